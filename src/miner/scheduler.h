// Decides what the miner does next: a deterministic state machine. Events go in with the time they
// happened, actions come out; there is no I/O, thread or clock inside.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "chain/metagraph.h"
#include "miner/config.h"
#include "miner/ledger.h"
#include "subnet/synapse.h"

namespace lode::miner {

/// A finished splat, ready to be sent.
struct Candidate {
  std::shared_ptr<const Bytes> spz;  ///< the exact bytes of the submission
  double score = 0;                  ///< our own verdict on those bytes
  bool judged = false;  ///< false when no scorer is configured: only the data checks were run
  std::string reason;   ///< what decided the score
};

/// Ask a validator for its task.
struct PullAction {
  std::string hotkey;
};
/// Have a worker make a candidate. Answer with on_candidate or on_generation_failure.
struct GenerateAction {
  std::string hotkey;
  subnet::Task task;
  std::uint64_t seed = 0;
};
/// Send a candidate, or an empty submission when there is none.
struct SubmitAction {
  std::string hotkey;
  subnet::Task task;
  std::optional<Candidate> candidate;
};
using Action = std::variant<PullAction, GenerateAction, SubmitAction>;

/// What a validator's row is doing.
enum class State {
  skipped,      ///< not asked; the reason says why
  ready,        ///< to be pulled as soon as possible
  pulling,      ///< a pull is under way
  queued,       ///< holds a task, waits for a worker
  generating,   ///< a worker is on it
  submitting,   ///< a submission is under way
  cooling,      ///< waits for the validator's cooldown to end
  backing_off,  ///< waits after a failure
  draining      ///< stays as it is: the miner is shutting down
};
std::string_view to_string(State state);

/// One validator as people see it: identity, what it is doing and why, and its ledger row.
struct ValidatorView {
  chain::Neuron neuron;
  State state = State::ready;
  std::string reason;         ///< one line, always filled
  std::optional<Time> until;  ///< cooling and backing_off
  LedgerRow ledger;
  std::string hint;  ///< how its on-chain weights compare with the others', or empty
  bool looks_copied = false;
};

/// Why a pull or a submission brought no usable answer.
struct CallFailure {
  Error error;
  int status = 0;     ///< HTTP status when there was a reply, else 0
  bool sent = false;  ///< whether the request may have reached the validator
};

class Scheduler {
 public:
  /// `history` are the journal's events: counts, cooldowns and held tasks carry on from them.
  Scheduler(Config config, const std::vector<Event>& history);

  // ---- the world changes ----
  /// `own_hotkey` is left out. Validators that left keep their row, skipped.
  void set_metagraph(const chain::Metagraph& metagraph, const std::string& own_hotkey);
  void set_blacklist(std::vector<BlacklistEntry> blacklist);
  /// Workers that can take a task at the same time.
  void set_worker_slots(int slots) { worker_slots_ = slots; }
  /// No more pulls and no new generations; what is under way ends, and finished candidates are
  /// sent.
  void drain() { draining_ = true; }

  // ---- what to do ----
  /// The actions that are due at `now`. Each is handed out once and answered by one on_* call.
  std::vector<Action> due(Time now);
  /// When due() next has something to say, if nothing else happens first.
  std::optional<Time> next_due() const;
  /// Events since the last call, oldest first: to be journalled before the actions of due() are
  /// carried out.
  std::vector<Event> take_events();
  /// True when no action is under way.
  bool is_idle() const;
  /// True when, while draining, nothing is left that should still be done.
  bool is_drained() const;

  // ---- what came of it ----
  void on_pull_reply(const std::string& hotkey, const subnet::PullReply& reply, Time now);
  void on_pull_failure(const std::string& hotkey, const CallFailure& failure, Time now);
  void on_candidate(const std::string& hotkey, Candidate candidate, Time now);
  /// `is_request_bad`: the task itself cannot be served (a picture that is none, an empty prompt),
  /// so no worker will do better.
  void on_generation_failure(const std::string& hotkey, const Error& error, bool is_request_bad,
                             Time now);
  void on_submit_reply(const std::string& hotkey, const subnet::SubmitReply& reply, Time now);
  void on_submit_failure(const std::string& hotkey, const CallFailure& failure, Time now);
  /// A candidate that the journal kept for a held task, offered when the task is pulled again.
  void restore_candidate(const std::string& hotkey, const std::string& task_id,
                         Candidate candidate);

  // ---- what people see ----
  std::vector<ValidatorView> view() const;  ///< ascending by uid
  int queued() const;
  int generating() const { return generating_; }

 private:
  /// The task in hand, beyond what the journal needs to know of it.
  struct Held {
    subnet::Task task;
    Time deadline{};  ///< end of the throttle window: later costs a second per second
    int candidates = 0;
    int generation_failures = 0;
    std::optional<Candidate> best;
    bool is_final = false;       ///< `best` passes and is to be sent
    bool give_up = false;        ///< answer empty
    bool was_submitted = false;  ///< a submission of this task may have been processed already
    Duration last_generation{};
    Time generation_began{};
  };

  struct Row {
    chain::Neuron neuron;
    bool in_metagraph = false;
    std::optional<std::string> skip_reason;
    State state = State::ready;
    std::string reason;
    Time until{};
    int failures_in_a_row = 0;
    std::optional<Held> held;
    std::optional<std::pair<std::string, Candidate>> restored;  ///< by task id
    bool resubmit_after_pull = false;
  };

  Row& row(const std::string& hotkey);
  static bool has_answer(const Row& row);
  void refresh_eligibility();
  void set_state(Row& row, State state, std::string reason, Time until = {});
  void record(Event event);
  Event make_event(const Row& row, EventKind kind, Time now, std::string detail = {}) const;
  void cool_down(Row& row, std::int64_t cooldown_until, std::string why);
  void back_off(Row& row, Duration wait, Time now, std::string why);
  void take_task(Row& row, const subnet::PullReply& reply, Time now);
  void decide_after_candidate(Row& row, Time now);
  void end_task(Row& row);
  void finish_submission(Row& row, const subnet::SubmitReply& reply, Time now);
  std::optional<Action> start(Row& row, Time now);
  Row* next_queued();

  Config config_;
  Ledger ledger_;
  std::map<std::string, Row> rows_;
  std::vector<Event> events_;
  int worker_slots_ = 0;
  int generating_ = 0;
  bool draining_ = false;
};

}  // namespace lode::miner
