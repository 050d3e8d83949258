// One validator's rules as a state machine: requests and times in, replies out; no I/O.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>

#include "base/clock.h"
#include "sandbox/rules.h"
#include "subnet/axon.h"
#include "subnet/rating.h"
#include "subnet/synapse.h"

namespace lode::sandbox {

/// A simulated miner that got the same task: who wins is decided by the better score.
struct Opponent {
  subnet::Rating rating;
  double score = 0;  ///< of the opponent's result, 0..1
};

/// A task to hand out, and the duel it belongs to, if any. Miners cannot tell the two apart.
struct Assignment {
  subnet::Task task;
  std::optional<Opponent> duel;
};

/// Work for the scorer: hand its result to finish_submit() under the same token.
struct ScoringJob {
  std::uint64_t token = 0;
  std::string task_id;
  std::string results;  ///< base64 as submitted, not empty
};

/// What a validator has seen of its miners, for summaries.
struct Counters {
  std::int64_t pulls = 0;     ///< PullTask requests of registered hotkeys
  std::int64_t pulled = 0;    ///< new tasks handed out
  std::int64_t reissued = 0;  ///< pulls answered with the task already assigned
  std::int64_t accepted = 0;
  std::int64_t empty = 0;             ///< tasks skipped by an empty submission
  std::int64_t rejected = 0;          ///< low scores and wrong signatures
  std::int64_t wrong_signatures = 0;  ///< part of `rejected`
  std::int64_t scorer_failures = 0;
  std::int64_t violations = 0;    ///< pulls on cooldown, never reduced
  std::int64_t wrong_task = 0;    ///< submissions for another task than the assigned one
  std::int64_t locked = 0;        ///< submissions during the validation lock
  std::int64_t duplicates = 0;    ///< submissions again after an accepted one
  std::int64_t forbidden = 0;     ///< submissions refused with 403
  std::int64_t unregistered = 0;  ///< requests of unknown hotkeys
  std::int64_t duels_won = 0, duels_drawn = 0, duels_lost = 0;
  double score_sum = 0;  ///< over accepted results

  double mean_score() const {
    return accepted > 0 ? score_sum / static_cast<double>(accepted) : 0.0;
  }
};

/// The validator of three-gen-subnet (v45, or an older one when rules.version says so) towards its
/// miners: cooldowns, task assignment, the order of checks on a submission, feedback and reward.
/// Time is the validator's clock and is passed in; calls must not go back in time.
class Validator {
 public:
  using TaskSource = std::function<Assignment()>;
  /// subnet::verify_result_signature, or a stand-in in tests.
  using SignatureCheck =
      std::function<Result<bool>(const subnet::Submission& submission, std::string_view task_prompt,
                                 std::string_view axon_hotkey, std::string_view dendrite_hotkey)>;

  /// `miners` as for set_miners().
  Validator(Rules rules, std::map<std::string, int> miners, TaskSource next_task,
            SignatureCheck check_signature = subnet::verify_result_signature);

  /// The registered hotkeys with their UIDs, as this validator's latest look at the chain has them.
  /// A UID whose owner has changed keeps its assigned task, its validation lock and the time of its
  /// last submission, and begins anew in all else, the rating included (miner_data.py, reset_data).
  void set_miners(std::map<std::string, int> miners);

  subnet::PullReply pull(const std::string& hotkey, Time now);

  /// Whether pull() would ask the task source for a new task.
  bool would_assign(const std::string& hotkey, Time now) const;

  /// The reason to refuse a submission from `hotkey` with 403 before its body is read, or nothing.
  std::optional<std::string> refuse_submission(const std::string& hotkey, std::string_view peer_ip);

  /// A finished reply, or a job to score. Errc::invalid_input is a request that makes the
  /// validator's handler raise (answered 500), with nothing changed.
  Result<std::variant<subnet::SubmitReply, ScoringJob>> begin_submit(
      const subnet::RequestBody& request, Time now);

  /// Ends the scoring of `token`: its score, or nothing when the scorer gave no usable answer.
  /// Each token must be finished once.
  subnet::SubmitReply finish_submit(std::uint64_t token, std::optional<double> score, Time now);

  const Counters& counters() const { return counters_; }
  const Rules& rules() const { return rules_; }
  /// The reward rating of a registered miner; the starting one for unknown hotkeys.
  double rating_of(const std::string& hotkey) const;

 private:
  struct Miner {
    int uid = 0;
    std::string hotkey;  // its owner
    std::optional<subnet::Task> assigned_task;
    std::optional<Time> assignment_time;
    std::int64_t cooldown_until = 0;  // this and all below: whole seconds since the epoch
    std::int64_t cooldown_violations = 0;
    std::int64_t validation_locked_until = 0;
    std::int64_t last_submit_time = 0;
    std::deque<std::int64_t> observations;
    double fidelity = 1.0;
    subnet::Rating rating;
    std::map<std::string, Opponent> duels;  // open ones by task id
  };
  struct Scoring {
    int uid = 0;
    std::string task_id;
  };

  static bool is_on_cooldown(const Miner& miner, Time now);
  Miner* find(const std::string& hotkey);
  void reset_task(Miner& miner, std::chrono::seconds cooldown, Time now) const;
  void settle_duel(Miner& miner, const std::string& task_id, std::optional<double> score);
  subnet::SubmitReply fail_task(Miner& miner, const std::string& task_id,
                                std::chrono::seconds penalty, Time now, bool validation_failed);
  subnet::SubmitReply accept(Miner& miner, const std::string& task_id, double score, Time now);
  subnet::SubmitReply reply(Miner& miner, Time now, double score = 0,
                            bool validation_failed = false) const;
  bool matches(const Miner& miner, const subnet::Submission& submission) const;

  Rules rules_;
  TaskSource next_task_;
  SignatureCheck check_signature_;
  std::map<std::string, int> uids_;           // of registered hotkeys
  std::map<int, Miner> miners_;               // by UID; of all that ever had an owner
  std::map<std::uint64_t, Scoring> scoring_;  // by token; the validation lock bounds it
  std::uint64_t next_token_ = 1;
  Counters counters_;
};

}  // namespace lode::sandbox
