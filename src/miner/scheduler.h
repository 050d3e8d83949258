// Decides what the miner does next: a deterministic state machine. Events go in with the time they
// happened, actions come out; there is no I/O, thread or clock inside.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "chain/metagraph.h"
#include "miner/clock_skew.h"
#include "miner/config.h"
#include "miner/experience.h"
#include "miner/ledger.h"
#include "miner/policy.h"
#include "miner/send_rule.h"
#include "subnet/synapse.h"

namespace lode::miner {

/// A finished splat, ready to be sent.
struct Candidate {
  std::shared_ptr<const Bytes> spz;  ///< the exact bytes of the submission; empty: never sent
  double score = 0;                  ///< our own verdict on those bytes
  bool judged = false;     ///< false when no scorer is configured: only the data checks were run
  std::string reason;      ///< what decided the score
  std::string artifact{};  ///< SHA-256 of `spz` in hex
  /// Judging stopped below the floor: `score` is foretold. Never sent.
  bool is_discarded = false;
};

/// A candidate of an earlier run of the miner.
struct KeptCandidate {
  int attempt = 0;
  Candidate candidate;
};

/// Ask a validator for its task.
struct PullAction {
  std::string hotkey;
  Time due{};  ///< the instant it was to be asked: the end of its wait, or when that was learned
};
/// Have a worker make a candidate. Answer with on_candidate, on_generation_failure or
/// on_generation_cancelled.
struct GenerateAction {
  std::uint64_t generation = 0;  ///< names this generation in the answer
  std::string hotkey;
  subnet::Task task;
  int attempt = 0;  ///< of this task
  std::uint64_t seed = 0;
  Duration limit{};  ///< a worker that takes longer is stuck
};
/// Stop a generation whose candidate is no longer wanted. It still has to be answered.
struct CancelAction {
  std::uint64_t generation = 0;
};
/// Send a candidate, or an empty submission when there is none.
struct SubmitAction {
  std::string hotkey;
  subnet::Task task;
  std::optional<Candidate> candidate;
  Duration limit{};  ///< without a reply by then it is taken for lost
};
using Action = std::variant<PullAction, GenerateAction, CancelAction, SubmitAction>;

/// What a validator's row is doing.
enum class State {
  skipped,      ///< not asked; the reason says why
  starting,     ///< its first pull waits for its turn
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

/// One line of a validator's decision trail.
struct TrailEntry {
  Time at{};
  State state = State::ready;
  std::string reason;
};

/// One validator as people see it: identity, what it is doing and why, and its ledger row.
struct ValidatorView {
  chain::Neuron neuron;
  State state = State::ready;
  std::string reason;         ///< one line, always filled
  std::optional<Time> until;  ///< cooling, backing_off and starting
  LedgerRow ledger;
  std::optional<Duration> clock_offset;       ///< see ClockOffset
  std::optional<Duration> clock_uncertainty;  ///< to either side
  SendRule margin;                            ///< what decides whether a result is sent to it
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
  /// The same, of a long history: the fold of all events, and the newest ones to learn from.
  Scheduler(Config config, Ledger ledger, const std::vector<Event>& recent);

  // ---- the world changes ----
  /// `own_hotkey` is left out. Validators that left keep their row, skipped.
  void set_metagraph(const chain::Metagraph& metagraph, const std::string& own_hotkey, Time now);
  void set_blacklist(std::vector<BlacklistEntry> blacklist, Time now);
  /// Validators that a lower minimum lets in come with the next metagraph.
  void set_min_stake(double min_stake, Time now);
  /// Workers that can take a task at the same time.
  void set_worker_slots(int slots) { worker_slots_ = slots; }
  /// No new calls but of finished results while the journal cannot be written; empty: go on.
  void hold(std::string why) { hold_ = std::move(why); }
  /// No more pulls and no new generations; what is under way ends, and finished candidates are
  /// sent.
  void drain() { draining_ = true; }

  // ---- what to do ----
  /// The actions that are due at `now`. Each is handed out once and answered by one on_* call
  /// (cancellations by the answer to their generation).
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

  /// Below this a candidate of that generation will not be sent, so that its score does not matter:
  /// threshold and margin, or the best one so far. Nothing when nobody wants it any more.
  std::optional<double> floor_of(std::uint64_t generation) const;

  // ---- what came of it ----
  /// The Date header of any reply; see ClockSkew.
  void on_date(const std::string& hotkey, Time date, Time sent, Time received, Duration network);
  void on_pull_reply(const std::string& hotkey, const subnet::PullReply& reply, Time now);
  void on_pull_failure(const std::string& hotkey, const CallFailure& failure, Time now);
  void on_candidate(std::uint64_t generation, Candidate candidate, Time now);
  /// `is_request_bad`: the task itself cannot be served (a picture that is none, an empty prompt),
  /// so no worker will do better.
  void on_generation_failure(std::uint64_t generation, const Error& error, bool is_request_bad,
                             Time now);
  /// The worker asked to be left alone: another one, or a later time, will do.
  void on_generation_refused(std::uint64_t generation, const Error& error, Time now);
  void on_generation_cancelled(std::uint64_t generation, Time now);
  void on_submit_reply(const std::string& hotkey, const subnet::SubmitReply& reply, Time now);
  void on_submit_failure(const std::string& hotkey, const CallFailure& failure, Time now);
  /// Candidates that the journal kept for a held task, used when that task is pulled again.
  void restore_candidates(const std::string& hotkey, const std::string& task_id,
                          std::vector<KeptCandidate> candidates);

  // ---- what people see ----
  std::vector<ValidatorView> view() const;  ///< ascending by uid
  /// What was decided about a validator, newest last; the last 64 changes of mind.
  std::vector<TrailEntry> trail(const std::string& hotkey) const;
  int queued() const;
  int generating() const { return static_cast<int>(generations_.size()); }
  const ClockSkew& clocks() const { return clocks_; }
  const Experience& experience() const { return experience_; }

 private:
  struct Generation {
    std::string hotkey;
    std::string task_id;
    int attempt = 0;
    std::uint64_t seed = 0;
    Time began{};
    bool is_cancelled = false;
  };

  /// The task in hand, beyond what the journal needs to know of it.
  struct Held {
    subnet::Task task;
    Time assigned{};
    Time deadline{};  ///< end of the throttle window: later costs a second per second
    int next_attempt = 0;
    int retried = 0;  ///< `next_attempt` when another candidate was last decided on
    int failed = 0;   ///< candidates that are not worth sending
    int judged = 0;
    int running = 0;  ///< generations that are not cancelled
    int generation_failures = 0;
    std::optional<Candidate> best;
    bool is_final = false;       ///< `best` is to be sent
    bool give_up = false;        ///< answer empty
    bool was_submitted = false;  ///< a submission of this task may have been processed already
  };

  struct Row {
    chain::Neuron neuron;
    bool in_metagraph = false;
    std::optional<std::string> skip_reason;
    State state = State::ready;
    std::string reason;
    Time since{};  ///< of the state
    Time until{};
    Time call_began{};
    int failures_in_a_row = 0;
    int contradictions = 0;  ///< refusals in a row that name a cooldown in the past
    std::optional<Held> held;
    std::string restored_task;
    std::vector<KeptCandidate> restored;
    bool resubmit_after_pull = false;
    std::deque<TrailEntry> trail;
  };

  // scheduler.cpp: rows and calls
  Row& row(const std::string& hotkey);
  static bool is_waiting(State state);
  static bool has_answer(const Row& row);
  void add_row(const chain::Neuron& neuron, Time now);
  void stagger(Time now);
  void hasten_start(Duration window, Time now);
  void refresh_eligibility(Time now);
  static void note(Row& row, State state, const std::string& reason, Time now);
  void set_state(Row& row, State state, std::string reason, Time now, Time until = {});
  void record(Event event);
  Event make_event(const Row& row, EventKind kind, Time now, std::string detail = {}) const;
  void decide(Row& row, std::string what, Time now);
  std::optional<Action> start_call(Row& row, Time now);

  // scheduler_work.cpp: candidates and workers
  void plan_work(Time now, std::vector<Action>& actions);
  void settle_tasks(Time now, std::vector<Action>& actions);
  void settle_failed(Row& row, Time now);
  void assign_required(Time now, std::vector<Action>& actions);
  void make_room(Time now, std::vector<Action>& actions);
  void assign_hedges(Time now, std::vector<Action>& actions);
  void assign_extras(Time now, std::vector<Action>& actions);
  void start_generation(Row& row, std::string why, Time now, std::vector<Action>& actions);
  void cancel_generations(const Row& row, std::vector<Action>& actions);
  Row* next_queued(Time now);
  bool is_short_of_workers() const;
  bool is_among_largest(const Row& row) const;
  bool needs_worker(const Row& row) const;
  int free_workers() const { return worker_slots_ - generating(); }
  int tasks_due_within(Duration ahead, Time now) const;
  TaskTiming timing_of(const Row& row, Time now) const;
  double standing_of(const Row& row) const;
  double gain_for(const Row& row) const;
  bool is_worth_sending(const Row& row, const Candidate& candidate) const;
  SendRule rule_of(const Row& row) const;
  bool is_worth_waiting(const Row& row, Time now) const;
  Time expected_finish(const Row& row, Time now) const;
  std::optional<Time> hedge_time(const Row& row) const;
  int credible_generations(const Row& row, Time now) const;
  Time end_of_patience(const Row& row, Time now) const;

  // scheduler_replies.cpp: what validators and workers said
  std::int64_t on_our_clock(const std::string& hotkey, std::int64_t theirs, Time now) const;
  void cool_down(Row& row, std::int64_t cooldown_until, std::string why, Time now);
  void back_off(Row& row, Duration wait, Time now, std::string why);
  void take_task(Row& row, const subnet::PullReply& reply, Time now);
  void take_restored(Row& row);
  void settle_unseen(Row& row, Time now);
  void count_candidate(Row& row, Candidate candidate);
  void end_task(Row& row);
  void finish_submission(Row& row, const subnet::SubmitReply& reply, Time now);
  Generation end_generation(std::uint64_t generation);
  Row* row_of(const Generation& generation);

  Config config_;
  Ledger ledger_;
  Experience experience_;
  ClockSkew clocks_;
  std::map<std::string, Row> rows_;
  std::map<std::uint64_t, Generation> generations_;
  std::uint64_t next_generation_ = 1;
  std::vector<Event> events_;
  int worker_slots_ = 0;
  bool draining_ = false;
  bool is_staggered_ = false;
  Time stagger_began_{};
  Duration stagger_{};
  std::string hold_;
};

}  // namespace lode::miner
