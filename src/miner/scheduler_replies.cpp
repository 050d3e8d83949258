// The scheduler's half that takes what validators and workers said.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/assert.h"
#include "miner/scheduler.h"

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

/// The wire's whole seconds as a pause: never negative, never beyond a day, whatever a peer says.
Duration bounded_seconds(std::int64_t value) {
  return seconds(std::clamp<std::int64_t>(value, 0, 86'400));
}

/// A validator's cooldown as a time: the year 2096 is far enough for any honest one, and its
/// nanoseconds still fit 64 bits.
Time bounded_time(std::int64_t unix_seconds) {
  constexpr std::int64_t kLatest = 4'000'000'000;
  return from_unix_seconds(std::clamp<std::int64_t>(unix_seconds, 0, kLatest));
}

/// The validator's lock on a task after a submission is its throttle window by default; neither is
/// on the wire after a lost reply, so wait that long and a second.
Duration lock_of(const LedgerRow& row) { return bounded_seconds(row.throttle_period) + seconds(1); }

bool speaks_another_protocol(int status) { return status == 404 || status == 405; }

}  // namespace

void Scheduler::on_date(const std::string& hotkey, Time date, Time sent, Time received,
                        Duration network) {
  clocks_.on_date(hotkey, date, sent, received, network);
}

// ---- pulls -------------------------------------------------------------------------------------

void Scheduler::on_pull_reply(const std::string& hotkey, const subnet::PullReply& reply, Time now) {
  Row& row = this->row(hotkey);
  LODE_ASSERT(row.state == State::pulling, "a pull reply answers a pull");
  row.failures_in_a_row = 0;
  if (reply.task) {
    row.contradictions = 0;
    take_task(row, reply, now);
    return;
  }
  settle_unseen(row, now);
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
  clocks_.on_before(hotkey, bounded_time(reply.cooldown_until), row.call_began);
  Event cooldown = make_event(row, EventKind::cooldown, now,
                              fmt::format("on cooldown, {} violations", reply.cooldown_violations));
  cooldown.cooldown_until = on_our_clock(hotkey, reply.cooldown_until, now);
  cooldown.violations = reply.cooldown_violations;
  cooldown.seconds = to_seconds(now - row.call_began);
  record(std::move(cooldown));
  cool_down(row, reply.cooldown_until, "cooldown given by the validator", now);
  const bool is_over_already = row.until <= now;
  row.contradictions = is_over_already ? row.contradictions + 1 : 0;
  if (is_over_already) {  // right once, when a pull came a moment too early
    constexpr Duration kMoment = std::chrono::milliseconds(200);
    back_off(row, row.contradictions == 1 ? kMoment : retry_pause(row.contradictions - 1), now,
             "it refuses a task, but the cooldown that it names is over");
  }
}

/// The validator no longer holds us to the task in hand, so a submission of it was processed; the
/// reply is what we missed.
void Scheduler::settle_unseen(Row& row, Time now) {
  const std::string held = ledger_.row(row.neuron.hotkey).held_task_id;
  if (!row.held && held.empty()) {
    return;
  }
  Event settled = make_event(row, EventKind::settled, now, "done, but its outcome was not seen");
  settled.task_id = held;
  record(std::move(settled));
  end_task(row);
}

void Scheduler::take_task(Row& row, const subnet::PullReply& reply, Time now) {
  const std::string& hotkey = row.neuron.hotkey;
  const bool is_in_hand = row.held && row.held->task.id == reply.task->id;
  const bool is_reissued = ledger_.row(hotkey).held_task_id == reply.task->id;
  if (!is_reissued) {
    settle_unseen(row, now);
  }
  Event assigned = make_event(row, EventKind::assigned, now, describe(*reply.task));
  assigned.task_id = reply.task->id;
  assigned.threshold = reply.validation_threshold;
  assigned.throttle_period = reply.throttle_period;
  assigned.seconds = to_seconds(now - row.call_began);
  if (!is_reissued) {
    assigned.task_type = reply.task->type == subnet::Task::Type::image ? "image" : "text";
  }
  record(std::move(assigned));
  hasten_start(bounded_seconds(reply.throttle_period), now);
  const LedgerRow& ledger = ledger_.row(hotkey);
  if (!is_in_hand) {
    row.held.emplace();
    row.held->task = *reply.task;
    row.held->assigned = ledger.held_since;
    row.held->deadline = ledger.held_since + bounded_seconds(reply.throttle_period);
    take_restored(row);
    row.held->was_submitted = ledger.submit_attempts > 0;
    const bool was_final = row.held->best && is_worth_sending(row, *row.held->best);
    row.held->is_final = row.held->was_submitted && was_final;
  }
  row.restored.clear();
  row.resubmit_after_pull = false;
  if (ledger.submit_attempts >= config_.max_submit_attempts) {
    row.held->give_up = true;
  }
  if (row.held->is_final || row.held->give_up) {
    set_state(row, State::ready, "the same task again: its result is ready", now);
    return;
  }
  set_state(row, State::queued, "waiting for a worker", now);
}

/// Candidates of an earlier run count as if they had been made now.
void Scheduler::take_restored(Row& row) {
  if (row.restored_task != row.held->task.id) {
    return;
  }
  for (KeptCandidate& kept : row.restored) {
    row.held->next_attempt = std::max(row.held->next_attempt, kept.attempt + 1);
    count_candidate(row, std::move(kept.candidate));
  }
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

Scheduler::Generation Scheduler::end_generation(std::uint64_t id) {
  const auto node = generations_.extract(id);
  LODE_ASSERT(!node.empty(), "every generation is answered once");
  Generation generation = std::move(node.mapped());
  if (Row* row = row_of(generation)) {
    --row->held->running;
  }
  return generation;
}

/// The row that still wants what this generation makes.
Scheduler::Row* Scheduler::row_of(const Generation& generation) {
  Row& row = this->row(generation.hotkey);
  const bool is_current = row.held && row.held->task.id == generation.task_id;
  const bool is_open = row.state == State::queued || row.state == State::generating;
  return is_current && is_open && !generation.is_cancelled ? &row : nullptr;
}

void Scheduler::on_candidate(std::uint64_t id, Candidate candidate, Time now) {
  const Generation generation = end_generation(id);
  Event ready;
  ready.at = now;
  ready.hotkey = generation.hotkey;
  ready.kind = candidate.is_discarded ? EventKind::discarded : EventKind::candidate_ready;
  ready.task_id = generation.task_id;
  ready.detail = candidate.reason;
  ready.score = candidate.score;
  ready.threshold = ledger_.row(generation.hotkey).threshold;
  ready.judged = candidate.judged;
  ready.attempt = generation.attempt;
  ready.seed = generation.seed;
  ready.seconds = to_seconds(now - generation.began);
  ready.artifact = candidate.artifact;
  record(std::move(ready));
  if (Row* row = row_of(generation)) {
    std::string verdict =
        fmt::format("candidate {} {} {:.3f}", generation.attempt + 1,
                    candidate.is_discarded ? "was given up, foretold" : "scored", candidate.score);
    if (candidate.judged && !candidate.is_discarded) {
      verdict += ", " + describe(rule_of(*row));
    }
    count_candidate(*row, std::move(candidate));
    set_state(*row, row->held->running > 0 ? State::generating : State::queued, std::move(verdict),
              now);
  }
}

void Scheduler::count_candidate(Row& row, Candidate candidate) {
  Held& held = *row.held;
  held.judged += candidate.judged ? 1 : 0;
  const auto rank = [&](const Candidate& c) {
    return std::pair(is_worth_sending(row, c), c.score);
  };
  held.failed += is_worth_sending(row, candidate) ? 0 : 1;
  if (!held.best || rank(candidate) > rank(*held.best)) {
    held.best = std::move(candidate);
  }
}

void Scheduler::on_generation_failure(std::uint64_t id, const Error& error, bool is_request_bad,
                                      Time now) {
  const Generation generation = end_generation(id);
  Row* row = row_of(generation);
  if (row == nullptr) {
    return;  // nobody waits for it, and stopping it is what may have made it fail
  }
  Event failed = make_event(*row, EventKind::generation_failed, now, error.message());
  failed.attempt = generation.attempt;
  record(std::move(failed));
  Held& held = *row->held;
  held.generation_failures =
      is_request_bad ? config_.max_generation_failures : held.generation_failures + 1;
  set_state(*row, held.running > 0 ? State::generating : State::queued,
            "a worker failed: " + error.context, now);
}

void Scheduler::on_generation_cancelled(std::uint64_t id, Time now) {
  const Generation generation = end_generation(id);
  Event cancelled;
  cancelled.at = now;
  cancelled.hotkey = generation.hotkey;
  cancelled.kind = EventKind::cancelled;
  cancelled.task_id = generation.task_id;
  cancelled.detail = "no longer wanted";
  cancelled.attempt = generation.attempt;
  record(std::move(cancelled));
}

void Scheduler::on_generation_refused(std::uint64_t id, const Error& error, Time now) {
  const Generation generation = end_generation(id);
  Row* row = row_of(generation);
  if (row == nullptr) {
    return;
  }
  Event refused = make_event(*row, EventKind::cancelled, now, "busy worker: " + error.context);
  refused.attempt = generation.attempt;
  record(std::move(refused));
  set_state(*row, row->held->running > 0 ? State::generating : State::queued, "the worker was busy",
            now);
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
  // A reply that ends a task comes with a cooldown that is still to come, on the validator's clock.
  const Duration lead = clocks_.offset(hotkey).value_or(Duration::zero());
  const bool nothing_consumed = !reply.feedback->validation_failed &&
                                reply.feedback->task_fidelity_score <= 0 &&
                                bounded_time(reply.cooldown_until) <= now + lead;
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

/// The task is done: name the outcome by what the validator said of it.
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
  outcome.threshold = ledger_.row(row.neuron.hotkey).threshold;
  outcome.cooldown_until = on_our_clock(row.neuron.hotkey, reply.cooldown_until, now);
  outcome.window_count = feedback.generations_within_the_window;
  outcome.rating = feedback.current_duel_rating;
  outcome.reward = feedback.current_miner_reward;
  outcome.seconds = to_seconds(now - row.call_began);
  record(std::move(outcome));
  end_task(row);
  cool_down(row, reply.cooldown_until, detail, now);
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
  const Time unlocked = row.call_began + lock_of(ledger_.row(hotkey));
  back_off(row, is_answered ? seconds(1) : std::max<Duration>(seconds(1), unlocked - now), now,
           "reply to the submission lost: " + failure.error.context);
}

void Scheduler::restore_candidates(const std::string& hotkey, const std::string& task_id,
                                   std::vector<KeptCandidate> candidates) {
  if (const auto found = rows_.find(hotkey); found != rows_.end()) {
    found->second.restored_task = task_id;
    found->second.restored = std::move(candidates);
  }
}

// ---- helpers -----------------------------------------------------------------------------------

/// A validator's instant in whole seconds of our clock, rounded up: what the ledger learns from and
/// a restarted miner waits for, before it has seen that validator's clock.
std::int64_t Scheduler::on_our_clock(const std::string& hotkey, std::int64_t theirs,
                                     Time now) const {
  if (theirs <= 0) {
    return theirs;
  }
  const Time ours = clocks_.when_to_ask(hotkey, bounded_time(theirs), now);
  return std::chrono::ceil<seconds>(ours.time_since_epoch()).count();
}

void Scheduler::cool_down(Row& row, std::int64_t cooldown_until, std::string why, Time now) {
  const Time end = clocks_.when_to_ask(row.neuron.hotkey, bounded_time(cooldown_until), now);
  set_state(row, State::cooling, std::move(why), now, end + config_.pull_margin);
}

void Scheduler::back_off(Row& row, Duration wait, Time now, std::string why) {
  set_state(row, State::backing_off, std::move(why), now, now + wait);
}

void Scheduler::end_task(Row& row) {
  row.held.reset();
  row.restored.clear();
  row.resubmit_after_pull = false;
}

}  // namespace lode::miner
