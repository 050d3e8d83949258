#include "simulate/world.h"

#include <algorithm>
#include <deque>
#include <unordered_map>

#include "base/assert.h"
#include "base/rng.h"
#include "sandbox/validator.h"
#include "simulate/event_queue.h"

namespace lode::simulate {
namespace {

constexpr const char* kMiner = "miner";
constexpr int kForbidden = 403;
/// Any full second does; policies compare whole seconds of the epoch.
constexpr std::int64_t kStart = 1'757'400'000;

Duration hours(double count) { return from_seconds(count * 3600); }

/// A candidate of a validator's current task.
struct Made {
  std::uint64_t id = 0;
  double true_score = 0;
  bool was_scored = false;
};

struct ValidatorState {
  std::unique_ptr<sandbox::Validator> rules;
  Duration offset{};  ///< its clock minus ours
  std::int64_t tasks = 0;
  std::string task_id;
  Time assigned_at{};
  std::vector<Made> made;
};

struct PullCall {
  int validator = 0;
  Time sent{};
  bool is_late = false;  ///< its reply comes after the policy's patience
  Time date{};
  std::optional<subnet::PullReply> reply;
};

struct SubmitCall {
  SubmitAction what;
  Time sent{};
  Duration takes{};  ///< to the verdict
  bool is_reply_lost = false;
  bool has_ended = false;  ///< the policy was told
  std::optional<sandbox::ScoringJob> job;
  double true_score = 0;
  std::optional<subnet::SubmitReply> reply;
  int status = 0;
};

struct Generation {
  int validator = 0;
  std::string task_id;
  std::size_t worker = 0;
  Time began{};
  bool will_fail = false;
};

enum class EventKind {
  measure,
  pull_arrives,
  pull_ends,
  generation_ends,
  submit_arrives,
  submit_judged,
  submit_ends
};
struct Event {
  EventKind kind;
  std::uint64_t number;  ///< of the call or generation
};

class World {
 public:
  World(const Config& config, Policy& policy) : config_(config), policy_(policy) {
    Rng clocks = root_.fork("clocks");
    for (int i = 0; i < config.validators; ++i) {
      validators_.push_back(make_validator(i));
      validators_.back().offset =
          from_seconds(clocks.uniform(-config.clock_offset, config.clock_offset));
    }
    for (int i = 0; i < config.workers; ++i) {
      worker_rngs_.push_back(root_.fork("worker " + std::to_string(i)));
      is_busy_.push_back(false);
    }
  }

  Outcome run() {
    queue_.add(measured_from_, {EventKind::measure, 0});
    while (advance()) {
    }
    for (const auto& [number, generation] : generations_) {
      tally_.note_busy(generation.began, end_);
    }
    return tally_.finish(std::string(policy_.name()), totals(), policy_.dropped());
  }

 private:
  ValidatorState make_validator(int index) {
    ValidatorState state;
    state.rules = std::make_unique<sandbox::Validator>(
        config_.rules, std::map<std::string, int>{{kMiner, 0}},
        [this, index] {
          const std::int64_t number = ++validator(index).tasks;
          return sandbox::Assignment{
              {subnet::Task::Type::text, std::to_string(index) + "-" + std::to_string(number), "x"},
              std::nullopt};
        },
        [](const auto&, auto, auto, auto) { return Result<bool>(true); });
    return state;
  }

  ValidatorState& validator(int index) { return validators_[static_cast<std::size_t>(index)]; }

  // ---- the loop --------------------------------------------------------------------------------

  /// What the policy does now, and then the next instant at which anything happens. False at the
  /// end.
  bool advance() {
    act();
    const auto wake = policy_.next_due();
    LODE_ASSERT(!wake || *wake > now_, "a policy has said all that is due");
    Time next = wake.value_or(end_);
    if (!queue_.empty()) {
      next = std::min(next, queue_.next_at());
    }
    if (next >= end_) {
      return false;
    }
    now_ = next;
    while (!queue_.empty() && queue_.next_at() <= now_) {
      handle(queue_.take());
    }
    return true;
  }

  void act() {
    // More than one round where a cancelled generation frees its worker at the same instant.
    constexpr int kMaxRounds = 10'000;
    for (int round = 0; round < kMaxRounds; ++round) {
      const std::vector<Action> actions = policy_.due(now_);
      if (actions.empty()) {
        return;
      }
      for (const Action& action : actions) {
        std::visit([this](const auto& what) { carry_out(what); }, action);
      }
    }
    LODE_ASSERT(false, "a policy comes to rest at every instant");
  }

  void handle(const Event& event) {
    switch (event.kind) {
      case EventKind::measure:
        return tally_.begin(totals(), policy_.dropped());
      case EventKind::pull_arrives:
        return arrive(pulls_.at(event.number));
      case EventKind::pull_ends:
        return end_pull(event.number);
      case EventKind::generation_ends:
        return end_generation(event.number);
      case EventKind::submit_arrives:
        return arrive(submits_.at(event.number));
      case EventKind::submit_judged:
        return judge(event.number);
      case EventKind::submit_ends:
        return end_submit(event.number);
    }
  }

  bool happens(double share) { return share > 0 && faults_.uniform() < share; }

  Duration latency(double mean) {
    const bool is_steady = config_.latency_spread == 0 || mean == 0;
    return from_seconds(
        is_steady ? mean
                  : GenerationTime::lognormal(mean, config_.latency_spread).sample(latencies_));
  }

  // ---- pulls -----------------------------------------------------------------------------------

  void carry_out(const PullAction& action) {
    const Duration takes = latency(config_.pull_seconds);
    const bool is_lost = happens(config_.fault_pulls);
    PullCall call;
    call.validator = action.validator;
    call.sent = now_;
    call.is_late = takes > action.timeout;
    if (!is_lost && takes / 2 <= action.timeout) {
      queue_.add(now_ + takes / 2, {EventKind::pull_arrives, action.call});
    }
    queue_.add(now_ + (is_lost || call.is_late ? action.timeout : takes),
               {EventKind::pull_ends, action.call});
    pulls_.emplace(action.call, std::move(call));
  }

  void arrive(PullCall& call) {
    ValidatorState& state = validator(call.validator);
    const std::int64_t tasks_before = state.tasks;
    call.date = std::chrono::floor<std::chrono::seconds>(now_ + state.offset);
    call.reply = state.rules->pull(kMiner, now_ + state.offset);
    if (state.tasks > tasks_before) {
      forget_made(state);
      state.task_id = call.reply->task->id;
      state.assigned_at = now_;
    }
  }

  void end_pull(std::uint64_t number) {
    const auto node = pulls_.extract(number);
    const PullCall& call = node.mapped();
    if (!call.reply || call.is_late) {
      policy_.on_pull_failure(number, now_);
      return;
    }
    policy_.on_date(call.validator, call.date, call.sent, now_);
    policy_.on_pull_reply(number, *call.reply, now_);
  }

  // ---- generation ------------------------------------------------------------------------------

  void carry_out(const GenerateAction& action) {
    const auto free = std::find(is_busy_.begin(), is_busy_.end(), false);
    LODE_ASSERT(free != is_busy_.end(), "no worker runs two generations");
    *free = true;
    const auto worker = static_cast<std::size_t>(free - is_busy_.begin());
    Rng& rng = worker_rngs_[worker];
    const Duration takes = from_seconds(config_.generation.sample(rng));
    const bool will_fail =
        config_.generation_failures > 0 && rng.uniform() < config_.generation_failures;
    generations_.emplace(action.generation,
                         Generation{action.validator, action.task_id, worker, now_, will_fail});
    queue_.add(now_ + takes, {EventKind::generation_ends, action.generation});
  }

  void carry_out(const CancelAction& action) {
    const auto node = generations_.extract(action.generation);
    if (node.empty()) {
      return;  // it has ended already
    }
    release(node.mapped());
    tally_.note_cancelled(now_);
    policy_.on_generation_cancelled(action.generation, now_);
  }

  void release(const Generation& generation) {
    is_busy_[generation.worker] = false;
    tally_.note_busy(generation.began, now_);
  }

  void end_generation(std::uint64_t number) {
    const auto node = generations_.extract(number);
    if (node.empty()) {
      return;  // it was cancelled
    }
    const Generation& generation = node.mapped();
    release(generation);
    if (generation.will_fail) {
      tally_.note_generation_failure(now_);
      policy_.on_generation_failure(number, now_);
      return;
    }
    const Quality quality =
        draw_quality(config_.quality, config_.rules.quality_threshold, qualities_);
    tally_.note_candidate(now_);
    ValidatorState& state = validator(generation.validator);
    if (state.task_id == generation.task_id) {
      state.made.push_back({number, quality.true_score, false});
    } else {
      tally_.note_wasted(now_);
    }
    policy_.on_candidate(number, {number, quality.local_score}, now_);
  }

  void forget_made(ValidatorState& state) {
    for (const Made& made : state.made) {
      if (!made.was_scored) {
        tally_.note_wasted(now_);
      }
    }
    state.made.clear();
  }

  // ---- submissions -----------------------------------------------------------------------------

  /// A submission arrives half a pull after it was sent.
  void carry_out(const SubmitAction& action) {
    const bool is_lost = happens(config_.fault_submits);
    SubmitCall call;
    call.what = action;
    call.sent = now_;
    call.takes = latency(config_.submit_seconds);
    call.is_reply_lost = happens(config_.fault_replies) || is_lost;
    if (is_lost) {
      queue_.add(now_ + action.timeout, {EventKind::submit_ends, action.call});
    } else {
      queue_.add(now_ + std::min(from_seconds(config_.pull_seconds / 2), call.takes / 2),
                 {EventKind::submit_arrives, action.call});
    }
    submits_.emplace(action.call, std::move(call));
  }

  /// What needs no scoring is answered in the time of a pull.
  void arrive(SubmitCall& call) {
    ValidatorState& state = validator(call.what.validator);
    if (state.rules->refuse_submission(kMiner, "")) {
      call.status = kForbidden;
      return end_at(call, now_ + (now_ - call.sent));
    }
    subnet::RequestBody body;
    body.dendrite_hotkey = kMiner;
    body.submission.task = {subnet::Task::Type::text, call.what.task_id, "x"};
    if (call.what.candidate) {
      body.submission.results = std::to_string(*call.what.candidate);
    }
    const std::int64_t empty_before = state.rules->counters().empty;
    auto step = state.rules->begin_submit(body, now_ + state.offset);
    LODE_ASSERT(step.has_value(), "a simulated submission is well-formed");
    if (auto* reply = std::get_if<subnet::SubmitReply>(&*step)) {
      call.reply = *reply;
      if (state.rules->counters().empty > empty_before) {
        tally_.note_answered(state.assigned_at, now_);
      }
      return end_at(call, now_ + (now_ - call.sent));
    }
    const auto made = std::find_if(state.made.begin(), state.made.end(),
                                   [&](const Made& m) { return m.id == *call.what.candidate; });
    LODE_ASSERT(made != state.made.end(), "a candidate is sent for the task it was made for");
    made->was_scored = true;
    call.true_score = made->true_score;
    call.job = std::get<sandbox::ScoringJob>(*std::move(step));
    queue_.add(call.sent + call.takes, {EventKind::submit_judged, call.what.call});
    end_at(call, call.sent + call.takes);
  }

  /// The policy learns of it at `at`, unless the reply is lost or that is too late.
  void end_at(SubmitCall& call, Time at) {
    const Time patience_ends = call.sent + call.what.timeout;
    if (at > patience_ends) {
      call.is_reply_lost = true;
    }
    queue_.add(call.is_reply_lost ? patience_ends : at, {EventKind::submit_ends, call.what.call});
  }

  /// The verdict is a fact even when nobody waits for it any longer.
  void judge(std::uint64_t number) {
    const auto found = submits_.find(number);
    SubmitCall& call = found->second;
    ValidatorState& state = validator(call.what.validator);
    const sandbox::Counters& counters = state.rules->counters();
    const std::int64_t accepted = counters.accepted;
    const std::int64_t rejected = counters.rejected;
    call.reply = state.rules->finish_submit(call.job->token, call.true_score, now_ + state.offset);
    call.job.reset();
    if (counters.accepted > accepted) {
      tally_.note_answered(state.assigned_at, now_);
      tally_.note_accepted(*call.reply->feedback, call.true_score, now_);
    } else if (counters.rejected > rejected) {
      tally_.note_answered(state.assigned_at, now_);
    }
    if (call.has_ended) {
      submits_.erase(found);
    }
  }

  void end_submit(std::uint64_t number) {
    const auto found = submits_.find(number);
    SubmitCall& call = found->second;
    call.has_ended = true;
    if (call.is_reply_lost) {
      policy_.on_submit_failure(number, 0, now_);
    } else if (call.reply) {
      policy_.on_submit_reply(number, *call.reply, now_);
    } else {
      policy_.on_submit_failure(number, call.status, now_);
    }
    if (!call.job) {
      submits_.erase(found);
    }
  }

  sandbox::Counters totals() const {
    sandbox::Counters sum;
    for (const ValidatorState& state : validators_) {
      const sandbox::Counters& one = state.rules->counters();
      sum.pulled += one.pulled;
      sum.accepted += one.accepted;
      sum.empty += one.empty;
      sum.rejected += one.rejected;
      sum.violations += one.violations;
      sum.forbidden += one.forbidden;
      sum.duplicates += one.duplicates;
      sum.locked += one.locked;
    }
    return sum;
  }

  const Config& config_;
  Policy& policy_;
  Rng root_{config_.seed};
  Rng faults_ = root_.fork("faults");
  Rng latencies_ = root_.fork("latencies");
  Rng qualities_ = root_.fork("qualities");
  std::vector<Rng> worker_rngs_;
  std::vector<bool> is_busy_;
  std::deque<ValidatorState> validators_;

  Time now_ = from_unix_seconds(kStart);
  Time measured_from_ = now_ + hours(config_.warm_up_hours);
  Time end_ = measured_from_ + hours(config_.hours);
  Tally tally_{config_, measured_from_};
  EventQueue<Event> queue_;
  std::unordered_map<std::uint64_t, PullCall> pulls_;
  std::unordered_map<std::uint64_t, SubmitCall> submits_;
  std::unordered_map<std::uint64_t, Generation> generations_;
};

}  // namespace

Outcome run(const Config& config, Policy& policy) { return World(config, policy).run(); }

Outcome run(const Config& config, PolicyKind kind) {
  const auto policy = make_policy(kind, config);
  return run(config, *policy);
}

}  // namespace lode::simulate
