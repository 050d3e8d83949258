#include "miner/scheduler.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/assert.h"
#include "base/rng.h"
#include "miner/eligibility.h"

namespace lode::miner {
namespace {

using std::chrono::seconds;

/// Pauses after consecutive failures: scheduling wants 1, 2, 4 and then every 15 seconds, since a
/// pull is idempotent and an idle validator costs one result per five minutes.
Duration retry_pause(int failures_in_a_row) {
  constexpr std::array<int, 3> kFirst{1, 2, 4};
  const auto index = static_cast<std::size_t>(std::max(failures_in_a_row - 1, 0));
  return seconds(index < kFirst.size() ? kFirst[index] : 15);
}

std::string describe(const subnet::Task& task) {
  constexpr std::size_t kMaxShown = 120;
  if (task.type == subnet::Task::Type::image) {
    return fmt::format("image task, {} base64 characters", task.prompt.size());
  }
  return task.prompt.size() <= kMaxShown ? task.prompt : task.prompt.substr(0, kMaxShown) + "...";
}

/// The seed of a task's n-th candidate: from the task alone, so that it can be replayed.
std::uint64_t seed_of(const std::string& task_id, int candidate) {
  return Rng(static_cast<std::uint64_t>(candidate)).fork(task_id).next();
}

/// Without a scorer only the data checks speak, and they were passed to get here.
bool passes(const Candidate& candidate, double threshold) {
  return !candidate.judged || candidate.score >= threshold;
}

/// The wire's whole seconds as a pause: never negative, never beyond a day, whatever a peer says.
Duration bounded_seconds(std::int64_t value) {
  return seconds(std::clamp<std::int64_t>(value, 0, 86'400));
}

/// The validator's lock on a task after a submission is its throttle window by default; neither is
/// on the wire after a lost reply, so wait that long and a second.
Duration lock_of(const LedgerRow& row) { return bounded_seconds(row.throttle_period) + seconds(1); }

bool speaks_another_protocol(int status) { return status == 404 || status == 405; }

}  // namespace

std::string_view to_string(State state) {
  switch (state) {
    case State::skipped:
      return "skipped";
    case State::ready:
      return "ready";
    case State::pulling:
      return "pulling";
    case State::queued:
      return "queued";
    case State::generating:
      return "generating";
    case State::submitting:
      return "submitting";
    case State::cooling:
      return "cooling";
    case State::backing_off:
      return "backing_off";
    case State::draining:
      return "draining";
  }
  return "unknown";
}

Scheduler::Scheduler(Config config, const std::vector<Event>& history)
    : config_(std::move(config)) {
  for (const Event& event : history) {
    ledger_.apply(event);
  }
}

// ---- the world changes -------------------------------------------------------------------------

void Scheduler::set_metagraph(const chain::Metagraph& metagraph, const std::string& own_hotkey) {
  for (auto& [hotkey, row] : rows_) {
    row.in_metagraph = false;
  }
  for (const chain::Neuron& neuron : metagraph.neurons) {
    if (neuron.hotkey == own_hotkey || !is_validator(neuron, config_)) {
      continue;
    }
    const auto [entry, is_new] = rows_.try_emplace(neuron.hotkey);
    Row& row = entry->second;
    row.neuron = neuron;
    row.in_metagraph = true;
    if (!is_new) {
      continue;
    }
    const LedgerRow& past = ledger_.row(neuron.hotkey);
    if (!past.held_task_id.empty()) {
      set_state(row, State::ready, "resuming task " + past.held_task_id + " from the journal");
    } else if (past.cooldown_until > 0) {
      cool_down(row, past.cooldown_until, "cooldown known from the journal");
    } else {
      set_state(row, State::ready, "not asked yet");
    }
  }
  refresh_eligibility();
}

void Scheduler::set_blacklist(std::vector<BlacklistEntry> blacklist) {
  config_.blacklist = std::move(blacklist);
  refresh_eligibility();
}

void Scheduler::refresh_eligibility() {
  for (auto& [hotkey, row] : rows_) {
    row.skip_reason = row.in_metagraph ? reason_to_skip(row.neuron, config_)
                                       : std::optional<std::string>("left the metagraph");
  }
}

// ---- what to do --------------------------------------------------------------------------------

std::vector<Action> Scheduler::due(Time now) {
  std::vector<Action> actions;
  for (auto& [hotkey, row] : rows_) {
    if (auto action = start(row, now)) {
      actions.push_back(*std::move(action));
    }
  }
  while (!draining_ && generating_ < worker_slots_) {
    Row* row = next_queued();
    if (row == nullptr) {
      break;
    }
    ++generating_;
    row->held->generation_began = now;
    set_state(
        *row, State::generating,
        fmt::format("candidate {} of task {}", row->held->candidates + 1, row->held->task.id));
    actions.push_back(GenerateAction{row->neuron.hotkey, row->held->task,
                                     seed_of(row->held->task.id, row->held->candidates)});
  }
  return actions;
}

/// The pull or submission that is due for one validator, if any.
std::optional<Action> Scheduler::start(Row& row, Time now) {
  const bool waiting = row.state == State::cooling || row.state == State::backing_off;
  if (!(row.state == State::ready || (waiting && now >= row.until))) {
    return std::nullopt;
  }
  if (has_answer(row)) {
    Event intent = make_event(row, EventKind::submitting, now);
    intent.detail =
        row.held->give_up ? "empty" : fmt::format("score {:.3f}", row.held->best->score);
    record(std::move(intent));
    set_state(row, State::submitting,
              row.held->give_up ? "sending an empty submission" : "sending the result");
    return SubmitAction{row.neuron.hotkey, row.held->task,
                        row.held->give_up ? std::nullopt : row.held->best};
  }
  if (draining_ || row.skip_reason) {
    return std::nullopt;
  }
  set_state(row, State::pulling, "asking for a task");
  return PullAction{row.neuron.hotkey};
}

/// Earliest end of the throttle window first: the first to lose time by waiting.
Scheduler::Row* Scheduler::next_queued() {
  Row* first = nullptr;
  for (auto& [hotkey, row] : rows_) {
    if (row.state == State::queued &&
        (first == nullptr || row.held->deadline < first->held->deadline)) {
      first = &row;
    }
  }
  return first;
}

std::optional<Time> Scheduler::next_due() const {
  std::optional<Time> next;
  for (const auto& [hotkey, row] : rows_) {
    const bool waiting = row.state == State::cooling || row.state == State::backing_off;
    if (!waiting && row.state != State::ready) {
      continue;
    }
    if (!has_answer(row) && (draining_ || row.skip_reason)) {
      continue;
    }
    const Time at = waiting ? row.until : Time::min();
    if (!next || at < *next) {
      next = at;
    }
  }
  return next;
}

std::vector<Event> Scheduler::take_events() { return std::exchange(events_, {}); }

bool Scheduler::is_idle() const {
  return std::none_of(rows_.begin(), rows_.end(), [](const auto& entry) {
    const State state = entry.second.state;
    return state == State::pulling || state == State::generating || state == State::submitting;
  });
}

bool Scheduler::is_drained() const {
  return draining_ && is_idle() && std::none_of(rows_.begin(), rows_.end(), [](const auto& entry) {
           const Row& row = entry.second;
           return row.state == State::ready && has_answer(row);
         });
}

// ---- pulls -------------------------------------------------------------------------------------

void Scheduler::on_pull_reply(const std::string& hotkey, const subnet::PullReply& reply, Time now) {
  Row& row = this->row(hotkey);
  LODE_ASSERT(row.state == State::pulling, "a pull reply answers a pull");
  row.failures_in_a_row = 0;
  if (reply.task) {
    take_task(row, reply, now);
    return;
  }
  if (row.held || !ledger_.row(hotkey).held_task_id.empty()) {
    // The validator no longer holds us to the task, so a submission of it was processed; its reply
    // is what we missed.
    Event settled = make_event(row, EventKind::settled, now, "done, but its outcome was not seen");
    settled.task_id = ledger_.row(hotkey).held_task_id;
    record(std::move(settled));
    end_task(row);
  }
  const bool is_unknown_to_it =
      reply.cooldown_violations == 0 && reply.cooldown_until > unix_seconds(now) + 1800;
  if (is_unknown_to_it) {
    Event event = make_event(row, EventKind::cooldown, now, "it does not know our hotkey yet");
    record(std::move(event));
    back_off(row, config_.unregistered_probe, now,
             "it does not know our hotkey (not registered, or its metagraph is old)");
    return;
  }
  if (reply.cooldown_until <= 0) {
    record(make_event(row, EventKind::pull_failed, now, "neither a task nor a cooldown given"));
    back_off(row, config_.foreign_backoff, now, "it gave neither a task nor a cooldown");
    return;
  }
  Event cooldown = make_event(row, EventKind::cooldown, now,
                              fmt::format("on cooldown, {} violations", reply.cooldown_violations));
  cooldown.cooldown_until = reply.cooldown_until;
  cooldown.violations = reply.cooldown_violations;
  record(std::move(cooldown));
  cool_down(row, reply.cooldown_until, "cooldown given by the validator");
}

void Scheduler::take_task(Row& row, const subnet::PullReply& reply, Time now) {
  const bool is_same = row.held && row.held->task.id == reply.task->id;
  Event assigned = make_event(row, EventKind::assigned, now, describe(*reply.task));
  assigned.task_id = reply.task->id;
  assigned.threshold = reply.validation_threshold;
  assigned.throttle_period = reply.throttle_period;
  record(std::move(assigned));
  const LedgerRow& ledger = ledger_.row(row.neuron.hotkey);
  if (!is_same) {
    row.held.emplace();
    row.held->task = *reply.task;
    row.held->deadline = ledger.held_since + bounded_seconds(reply.throttle_period);
  }
  if (row.restored && row.restored->first == reply.task->id &&
      passes(row.restored->second, ledger.threshold)) {
    row.held->best = std::move(row.restored->second);
    row.held->is_final = true;
    row.held->was_submitted = ledger.submit_attempts > 0;
  }
  row.restored.reset();
  row.resubmit_after_pull = false;
  if (ledger.submit_attempts >= config_.max_submit_attempts) {
    row.held->give_up = true;
  }
  if (row.held->is_final || row.held->give_up) {
    set_state(row, State::ready, "the same task again: its result is ready");
    return;
  }
  set_state(row, State::queued, "waiting for a worker");
}

void Scheduler::on_pull_failure(const std::string& hotkey, const CallFailure& failure, Time now) {
  Row& row = this->row(hotkey);
  LODE_ASSERT(row.state == State::pulling, "a pull failure answers a pull");
  record(make_event(row, EventKind::pull_failed, now, failure.error.message()));
  ++row.failures_in_a_row;
  const bool foreign = speaks_another_protocol(failure.status);
  back_off(row, foreign ? config_.foreign_backoff : retry_pause(row.failures_in_a_row), now,
           "pull failed: " + failure.error.context);
}

// ---- generation --------------------------------------------------------------------------------

void Scheduler::on_candidate(const std::string& hotkey, Candidate candidate, Time now) {
  Row& row = this->row(hotkey);
  LODE_ASSERT(row.state == State::generating, "a candidate answers a generation");
  --generating_;
  Held& held = *row.held;
  ++held.candidates;
  held.last_generation = now - held.generation_began;
  Event ready = make_event(row, EventKind::candidate_ready, now, candidate.reason);
  ready.score = candidate.score;
  record(std::move(ready));
  if (!held.best || candidate.score > held.best->score) {
    held.best = std::move(candidate);
  }
  decide_after_candidate(row, now);
}

/// Send what passes; try again while that costs no cooldown; otherwise answer empty.
void Scheduler::decide_after_candidate(Row& row, Time now) {
  Held& held = *row.held;
  const double threshold = ledger_.row(row.neuron.hotkey).threshold;
  if (passes(*held.best, threshold)) {
    held.is_final = true;
    set_state(row, State::ready, fmt::format("result ready, score {:.3f}", held.best->score));
    return;
  }
  const bool fits_again = now + held.last_generation <= held.deadline;
  if (held.candidates < config_.max_candidates && fits_again && !draining_) {
    set_state(row, State::queued,
              fmt::format("score {:.3f} is below {:.2f}: another candidate", held.best->score,
                          threshold));
    return;
  }
  held.give_up = true;
  set_state(row, State::ready,
            fmt::format("best score {:.3f} is below {:.2f}: to be answered empty ({})",
                        held.best->score, threshold, held.best->reason));
}

void Scheduler::on_generation_failure(const std::string& hotkey, const Error& error,
                                      bool is_request_bad, Time now) {
  Row& row = this->row(hotkey);
  LODE_ASSERT(row.state == State::generating, "a generation failure answers a generation");
  --generating_;
  Held& held = *row.held;
  ++held.generation_failures;
  record(make_event(row, EventKind::generation_failed, now, error.message()));
  if (is_request_bad || held.generation_failures >= config_.max_generation_failures) {
    held.give_up = true;
    set_state(row, State::ready, "cannot be made, to be answered empty: " + error.context);
    return;
  }
  set_state(row, State::queued, "a worker failed, waiting for another: " + error.context);
}

// ---- submissions -------------------------------------------------------------------------------

void Scheduler::on_submit_reply(const std::string& hotkey, const subnet::SubmitReply& reply,
                                Time now) {
  Row& row = this->row(hotkey);
  LODE_ASSERT(row.state == State::submitting, "a submit reply answers a submission");
  row.failures_in_a_row = 0;
  if (!reply.feedback) {
    record(make_event(row, EventKind::submit_failed, now, "it does not know our hotkey"));
    row.resubmit_after_pull = true;
    back_off(row, config_.unregistered_probe, now, "it does not know our hotkey (submission)");
    return;
  }
  const bool nothing_consumed = !reply.feedback->validation_failed &&
                                reply.feedback->task_fidelity_score <= 0 &&
                                reply.cooldown_until <= unix_seconds(now);
  if (nothing_consumed) {
    // A wrong task id, or its validation lock: the task stands. After the lock a pull tells.
    record(make_event(row, EventKind::submit_failed, now, "not consumed (lock or other task id)"));
    row.held->was_submitted = true;
    row.resubmit_after_pull = true;
    back_off(row, lock_of(ledger_.row(hotkey)), now,
             "submission not consumed, asking again after the validator's lock");
    return;
  }
  finish_submission(row, reply, now);
}

/// The task is done: name the outcome as protocol.md's reply table does.
void Scheduler::finish_submission(Row& row, const subnet::SubmitReply& reply, Time now) {
  const subnet::Feedback& feedback = *reply.feedback;
  EventKind kind = EventKind::rejected;
  std::string detail = "scored below its threshold";
  if (feedback.validation_failed) {
    kind = EventKind::validator_failed;
    detail = "the validator's scorer failed";
  } else if (feedback.task_fidelity_score > 0) {
    kind = EventKind::accepted;
    detail = fmt::format("accepted with {:.3f}", feedback.task_fidelity_score);
  } else if (row.held->give_up) {
    kind = EventKind::emptied;
    detail = "empty submission taken";
  } else if (row.held->was_submitted) {
    // A repeat of a result that was processed before: only that first reply said how it went.
    kind = EventKind::settled;
    detail = "done by an earlier submission whose reply was lost";
  }
  Event outcome = make_event(row, kind, now, detail);
  outcome.score = feedback.task_fidelity_score;
  outcome.cooldown_until = reply.cooldown_until;
  outcome.window_count = feedback.generations_within_the_window;
  outcome.rating = feedback.current_duel_rating;
  outcome.reward = feedback.current_miner_reward;
  record(std::move(outcome));
  end_task(row);
  cool_down(row, reply.cooldown_until, detail);
}

void Scheduler::on_submit_failure(const std::string& hotkey, const CallFailure& failure, Time now) {
  Row& row = this->row(hotkey);
  LODE_ASSERT(row.state == State::submitting, "a submit failure answers a submission");
  record(make_event(row, EventKind::submit_failed, now, failure.error.message()));
  ++row.failures_in_a_row;
  if (!failure.sent) {  // it has seen nothing: simply send again
    back_off(row, retry_pause(row.failures_in_a_row), now,
             "submission not delivered: " + failure.error.context);
    return;
  }
  // It may have been processed. 403 says it was (or the validator forgot us); anything else leaves
  // it open. A pull after the validation lock tells: the same task, or a cooldown.
  row.held->was_submitted = true;
  row.resubmit_after_pull = true;
  const bool is_answered = failure.status == 403;
  back_off(row, is_answered ? seconds(1) : lock_of(ledger_.row(hotkey)), now,
           "reply to the submission lost: " + failure.error.context);
}

void Scheduler::restore_candidate(const std::string& hotkey, const std::string& task_id,
                                  Candidate candidate) {
  if (const auto found = rows_.find(hotkey); found != rows_.end()) {
    found->second.restored.emplace(task_id, std::move(candidate));
  }
}

// ---- helpers -----------------------------------------------------------------------------------

Scheduler::Row& Scheduler::row(const std::string& hotkey) {
  const auto found = rows_.find(hotkey);
  LODE_ASSERT(found != rows_.end(), "every hotkey in use has a row");
  return found->second;
}

/// Whether the next call to this validator is a submission.
bool Scheduler::has_answer(const Row& row) {
  const bool decided = row.held && (row.held->give_up || row.held->is_final);
  return decided && !row.resubmit_after_pull;
}

void Scheduler::set_state(Row& row, State state, std::string reason, Time until) {
  row.state = state;
  row.reason = std::move(reason);
  row.until = until;
}

Event Scheduler::make_event(const Row& row, EventKind kind, Time now, std::string detail) const {
  Event event;
  event.at = now;
  event.hotkey = row.neuron.hotkey;
  event.kind = kind;
  event.task_id = row.held ? row.held->task.id : std::string();
  event.detail = std::move(detail);
  return event;
}

void Scheduler::record(Event event) {
  ledger_.apply(event);
  events_.push_back(std::move(event));
}

void Scheduler::cool_down(Row& row, std::int64_t cooldown_until, std::string why) {
  // The year 2096: far enough for any honest cooldown, and its nanoseconds still fit 64 bits.
  constexpr std::int64_t kLatest = 4'000'000'000;
  set_state(row, State::cooling, std::move(why),
            from_unix_seconds(std::clamp<std::int64_t>(cooldown_until, 0, kLatest)) +
                config_.pull_margin);
}

void Scheduler::back_off(Row& row, Duration wait, Time now, std::string why) {
  set_state(row, State::backing_off, std::move(why), now + wait);
}

void Scheduler::end_task(Row& row) {
  row.held.reset();
  row.restored.reset();
  row.resubmit_after_pull = false;
}

// ---- what people see ---------------------------------------------------------------------------

std::vector<ValidatorView> Scheduler::view() const {
  std::vector<ValidatorView> views;
  for (const auto& [hotkey, row] : rows_) {
    ValidatorView view{row.neuron, row.state, row.reason, std::nullopt, ledger_.row(hotkey)};
    const bool waiting = row.state == State::cooling || row.state == State::backing_off;
    if (waiting) {
      view.until = row.until;
    }
    if (row.skip_reason && !row.held) {
      view.state = State::skipped;
      view.reason = *row.skip_reason;
      view.until.reset();
    } else if (draining_ && (waiting || row.state == State::ready || row.state == State::queued)) {
      view.state = State::draining;
      view.reason = "shutting down; " + row.reason;
    }
    views.push_back(std::move(view));
  }
  std::sort(views.begin(), views.end(),
            [](const auto& a, const auto& b) { return a.neuron.uid < b.neuron.uid; });
  return views;
}

int Scheduler::queued() const {
  return static_cast<int>(std::count_if(rows_.begin(), rows_.end(), [](const auto& entry) {
    return entry.second.state == State::queued;
  }));
}

}  // namespace lode::miner
