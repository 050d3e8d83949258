// The Python competitive miner, Quinut-McGee/3D-gen at bd8a3ba (neurons/miner/async_task_manager.py
// and competitive_workers.py): one poller for all validators, a short queue, and timers against
// duplicates. Its name is of its first version's interval, 10 s; the last one polls every 5 s.
#include <deque>
#include <map>
#include <set>

#include "base/assert.h"
#include "simulate/config.h"
#include "simulate/policy.h"

namespace lode::simulate {
namespace {

using std::chrono::seconds;

constexpr Duration kPullTimeout = seconds(12);
constexpr Duration kSubmitTimeout = seconds(60);
constexpr Duration kPollInterval = seconds(5);
constexpr Duration kPollGuard = seconds(28);  ///< from a task to asking the same validator again
constexpr Duration kRetention = seconds(60);  ///< how long a finished task counts as in progress
constexpr Duration kDedupe = seconds(300);    ///< how long a finished task is refused
constexpr Duration kCleanupEvery = seconds(30);
constexpr std::size_t kQueueSize = 2;

class Poll10Policy final : public Policy {
 public:
  explicit Poll10Policy(const Config& config)
      : options_(config.poll10),
        idle_round_(options_.idle_rounds_take_a_pull
                        ? kPollInterval + from_seconds(config.pull_seconds)
                        : kPollInterval),
        validators_(static_cast<std::size_t>(config.validators)),
        idle_workers_(config.workers) {}

  std::string_view name() const override { return to_string(PolicyKind::poll10); }
  std::int64_t dropped() const override { return dropped_; }

  std::vector<Action> due(Time now) override {
    if (!next_cleanup_) {  // the first call
      next_cleanup_ = now + kCleanupEvery;
      next_poll_ = now;
    }
    clean_up(now);
    std::vector<Action> actions = std::exchange(submissions_, {});
    if (next_poll_ && now >= *next_poll_) {
      poll(actions, now);
    }
    while (idle_workers_ > 0 && !queue_.empty()) {
      --idle_workers_;
      Job job = std::move(queue_.front());
      queue_.pop_front();
      job.began = now;
      const std::uint64_t generation = ++last_number_;
      actions.push_back(GenerateAction{generation, job.validator, job.task_id});
      jobs_.emplace(generation, std::move(job));
    }
    return actions;
  }

  /// The clean-up needs no call of its own: it is caught up with before its effects are looked at.
  std::optional<Time> next_due() const override { return next_poll_; }

  void on_pull_reply(std::uint64_t call, const subnet::PullReply& reply, Time now) override {
    Asked& asked = round_[find_in_round(call)];
    asked.reply = reply;
    asked.is_answered = true;
    end_round(now);
  }

  void on_pull_failure(std::uint64_t call, Time now) override {
    round_[find_in_round(call)].is_answered = true;
    end_round(now);
  }

  void on_candidate(std::uint64_t generation, const Candidate& candidate, Time now) override {
    const Job job = finish(generation, now);
    const bool was_given_up = options_.generation_timeout > Duration::zero() &&
                              now - job.began > options_.generation_timeout;
    if (was_given_up) {
      ++dropped_;
      return;
    }
    submissions_.push_back(
        SubmitAction{++last_number_, job.validator, job.task_id, candidate.id, kSubmitTimeout});
  }

  /// Nothing is submitted, yet the task counts as submitted.
  void on_generation_failure(std::uint64_t generation, Time now) override {
    finish(generation, now);
    ++dropped_;
  }

  // Fire and forget: no reply is looked at and no failure repaired.
  void on_submit_reply(std::uint64_t, const subnet::SubmitReply&, Time) override {}
  void on_submit_failure(std::uint64_t, int, Time) override {}

 private:
  struct ValidatorState {
    std::int64_t cooldown_until = 0;
    std::optional<Time> last_task;  ///< when a poll brought a task
    std::set<std::string> active;   ///< task ids in progress
  };
  struct Job {
    int validator = 0;
    std::string task_id;
    Time began{};
  };
  struct Asked {
    std::uint64_t call = 0;
    int validator = 0;
    std::optional<subnet::PullReply> reply;
    bool is_answered = false;
  };

  ValidatorState& state(int validator) { return validators_[static_cast<std::size_t>(validator)]; }

  void poll(std::vector<Action>& actions, Time now) {
    for (std::size_t i = 0; i < validators_.size(); ++i) {
      const ValidatorState& validator = validators_[i];
      const bool is_cooling = from_unix_seconds(validator.cooldown_until) > now;
      const bool is_guarded = validator.last_task && now - *validator.last_task < kPollGuard;
      if (is_cooling || is_guarded) {
        continue;
      }
      const int index = static_cast<int>(i);
      round_.push_back({++last_number_, index, std::nullopt, false});
      actions.push_back(PullAction{last_number_, index, kPullTimeout});
    }
    next_poll_ = round_.empty() ? std::optional<Time>(now + idle_round_) : std::nullopt;
  }

  std::size_t find_in_round(std::uint64_t call) const {
    for (std::size_t i = 0; i < round_.size(); ++i) {
      if (round_[i].call == call) {
        return i;
      }
    }
    LODE_ASSERT(false, "a pull's answer belongs to the round");
    return 0;
  }

  /// asyncio.gather: results are looked at when the slowest pull has ended.
  void end_round(Time now) {
    for (const Asked& asked : round_) {
      if (!asked.is_answered) {
        return;
      }
    }
    clean_up(now);
    for (const Asked& asked : std::exchange(round_, {})) {
      if (asked.reply) {
        take_reply(asked.validator, *asked.reply, now);
      }
    }
    next_poll_ = now + kPollInterval;
  }

  /// Workers that wait for the queue are woken only after the whole round has been looked at, so
  /// its size limits what one round brings even while all are idle.
  void take_reply(int index, const subnet::PullReply& reply, Time now) {
    ValidatorState& validator = state(index);
    if (reply.task) {
      validator.last_task = now;
      const auto finished = recently_finished_.find(reply.task->id);
      if (finished != recently_finished_.end() && now - finished->second < kDedupe) {
        return;
      }
      if (validator.active.contains(reply.task->id)) {
        return;
      }
      if (queue_.size() < kQueueSize) {
        validator.active.insert(reply.task->id);
        queue_.push_back({index, reply.task->id, {}});
      } else {
        ++dropped_;
      }
    }
    if (reply.cooldown_until != 0) {
      validator.cooldown_until = reply.cooldown_until;
    }
  }

  /// A worker is through with its job, whatever came of it.
  Job finish(std::uint64_t generation, Time now) {
    auto node = jobs_.extract(generation);
    LODE_ASSERT(!node.empty(), "a generation is one of ours");
    ++idle_workers_;
    Job job = std::move(node.mapped());
    recently_finished_[job.task_id] = now;
    retained_[job.task_id] = {job.validator, now + kRetention};
    return job;
  }

  /// What the clean-up task has done by now: it looks every 30 s.
  void clean_up(Time now) {
    for (; *next_cleanup_ <= now; *next_cleanup_ += kCleanupEvery) {
      std::erase_if(retained_, [&](const auto& entry) {
        const auto& [task_id, kept] = entry;
        if (kept.second > *next_cleanup_) {
          return false;
        }
        state(kept.first).active.erase(task_id);
        return true;
      });
      std::erase_if(recently_finished_,
                    [&](const auto& entry) { return *next_cleanup_ - entry.second > kDedupe; });
    }
  }

  Poll10Options options_;
  Duration idle_round_;
  std::vector<ValidatorState> validators_;
  int idle_workers_;
  std::vector<Asked> round_;  ///< pulls that are waited for
  std::deque<Job> queue_;
  std::map<std::uint64_t, Job> jobs_;  ///< by generation
  std::vector<Action> submissions_;
  std::map<std::string, Time> recently_finished_;         ///< by task id
  std::map<std::string, std::pair<int, Time>> retained_;  ///< validator and until, by task id
  std::optional<Time> next_poll_;                         ///< none while pulls are waited for
  std::optional<Time> next_cleanup_;
  std::uint64_t last_number_ = 0;
  std::int64_t dropped_ = 0;
};

}  // namespace

std::unique_ptr<Policy> make_poll10_policy(const Config& config) {
  return std::make_unique<Poll10Policy>(config);
}

}  // namespace lode::simulate
