// The scheduler's half that plans candidates: which task gets a worker, when another candidate is
// worth it, and when a result is final.
#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"
#include "base/rng.h"
#include "miner/scheduler.h"

namespace lode::miner {
namespace {

/// The seed of a task's n-th candidate: from the task alone, so that it can be replayed.
std::uint64_t seed_of(const std::string& task_id, int attempt) {
  return Rng(static_cast<std::uint64_t>(attempt)).fork(task_id).next();
}

std::string type_name(const subnet::Task& task) {
  return task.type == subnet::Task::Type::image ? "image" : "text";
}

bool is_open(const std::optional<std::string>& skip_reason) { return !skip_reason.has_value(); }

}  // namespace

/// Everything that is decided about held tasks at this moment, in the order in which one decision
/// rests on another.
void Scheduler::plan_work(Time now, std::vector<Action>& actions) {
  for (auto& [hotkey, row] : rows_) {
    if (row.state == State::queued && !draining_) {
      settle_failed(row, now);
    }
  }
  if (!draining_) {
    assign_required(now, actions);
    make_room(now, actions);
    assign_hedges(now, actions);
    assign_extras(now, actions);
  }
  settle_tasks(now, actions);
}

/// A task whose candidates all failed gets another one or is answered empty.
void Scheduler::settle_failed(Row& row, Time now) {
  Held& held = *row.held;
  if (held.generation_failures >= config_.max_generation_failures && !held.best) {
    held.give_up = true;
    decide(row, "answer empty: no worker could make it", now);
    set_state(row, State::ready, "cannot be made, to be answered empty: " + row.reason, now);
    return;
  }
  if (held.failed == 0 || (held.best && is_worth_sending(row, *held.best))) {
    return;
  }
  const TaskTiming timing = timing_of(row, now);
  const double generation = to_seconds(experience_.generation_time(type_name(held.task)));
  const double chance = experience_.pass_probability(held.failed);
  const double acceptance = experience_.acceptance();
  const bool is_displacing = is_short_of_workers() && chance < acceptance;
  const bool goes_on = held.next_attempt < config_.max_candidates && !is_displacing &&
                       is_retry_worth(timing, timing.now + generation, chance, acceptance);
  const std::string best = fmt::format(
      "best score {:.3f}, {} ({})", held.best ? held.best->score : 0, describe(rule_of(row)),
      held.best ? held.best->reason : "none passed the data checks");
  const std::string odds =
      fmt::format("a chance of {:.0f} % for {:.0f} s of overrun", 100 * chance,
                  timing.overrun(timing.now + generation) - timing.overrun(timing.now));
  if (goes_on) {
    if (held.retried == held.next_attempt) {
      return;  // said before; it waits for a worker
    }
    held.retried = held.next_attempt;
    set_state(row, State::queued, fmt::format("another candidate: {}; {}", best, odds), now);
    return;
  }
  held.give_up = true;
  decide(row,
         fmt::format("answer empty after {} candidates: {}; another is not worth it: {}",
                     held.next_attempt, best, odds),
         now);
  set_state(row, State::ready, "to be answered empty: " + best, now);
}

/// Workers for the tasks that have nothing to send yet.
void Scheduler::assign_required(Time now, std::vector<Action>& actions) {
  while (free_workers() > 0) {
    Row* next = next_queued(now);
    if (next == nullptr) {
      return;
    }
    start_generation(*next, "candidate", now, actions);
  }
}

/// The queued task to serve next. While all can be on time the earliest deadline goes first, which
/// keeps the total lateness least. A late task loses a second per second whatever is done, so the
/// shortest of those goes first, and before a punctual one only if that loses less.
Scheduler::Row* Scheduler::next_queued(Time now) {
  Row* punctual = nullptr;
  Row* late = nullptr;
  const auto length = [&](const Row& row) {
    return experience_.generation_time(type_name(row.held->task));
  };
  const auto slack = [&](const Row& row) {
    return row.held->deadline - now - experience_.submission_time() - length(row);
  };
  const bool is_scarce = config_.prefers_stake_when_scarce && is_short_of_workers();
  bool has_choice = false;
  for (auto& [hotkey, row] : rows_) {
    has_choice = has_choice || (is_scarce && needs_worker(row) && is_among_largest(row));
  }
  for (auto& [hotkey, row] : rows_) {
    if (!needs_worker(row) || (has_choice && !is_among_largest(row))) {
      continue;
    }
    if (slack(row) >= Duration::zero()) {
      if (punctual == nullptr || row.held->deadline < punctual->held->deadline) {
        punctual = &row;
      }
    } else if (late == nullptr || length(row) * 10 < length(*late) * 9 ||
               (length(row) * 9 <= length(*late) * 10 &&
                row.held->deadline < late->held->deadline)) {
      late = &row;
    }
  }
  if (punctual == nullptr || late == nullptr) {
    return punctual == nullptr ? late : punctual;
  }
  const Duration lost_by_punctual = std::max(Duration::zero(), length(*late) - slack(*punctual));
  return lost_by_punctual < length(*punctual) ? late : punctual;
}

/// Whether the workers cannot serve all validators in their cooldowns.
bool Scheduler::is_short_of_workers() const {
  double demand = 0;  // workers needed on average
  for (const auto& [hotkey, row] : rows_) {
    if (row.in_metagraph && is_open(row.skip_reason)) {
      const LedgerRow& ledger = ledger_.row(hotkey);
      const double cooldown = ledger.cooldown_or(config_.priors);
      const std::string type = ledger.held_type.empty() ? "text" : ledger.held_type;
      demand += to_seconds(experience_.generation_time(type)) / cooldown;
    }
  }
  return demand > worker_slots_;
}

/// Whether this validator is among the largest that the workers can serve. Equal stakes are not
/// told apart: of equal validators all are.
bool Scheduler::is_among_largest(const Row& row) const {
  const double cooldown = ledger_.row(row.neuron.hotkey).cooldown_or(config_.priors);
  const double generation = to_seconds(experience_.generation_time(type_name(row.held->task)));
  const int capacity = static_cast<int>(worker_slots_ * cooldown / std::max(generation, 1e-3));
  int larger = 0;
  for (const auto& [hotkey, other] : rows_) {
    larger += is_open(other.skip_reason) && other.neuron.stake > row.neuron.stake ? 1 : 0;
  }
  return larger < std::max(capacity, 1);
}

/// Whether it holds a task with nothing to send and nobody at work.
bool Scheduler::needs_worker(const Row& row) const {
  return row.state == State::queued && is_open(row.skip_reason) && row.held->running == 0 &&
         !(row.held->best && is_worth_sending(row, *row.held->best));
}

/// A task that would be late takes the worker of a candidate that only makes a good result better.
void Scheduler::make_room(Time now, std::vector<Action>& actions) {
  auto freed = std::count_if(generations_.begin(), generations_.end(),
                             [](const auto& entry) { return entry.second.is_cancelled; });
  std::vector<const Row*> waiting;
  for (const auto& [hotkey, row] : rows_) {
    if (needs_worker(row)) {
      waiting.push_back(&row);
    }
  }
  for (const Row* row : waiting) {
    if (freed > 0) {
      --freed;
      continue;
    }
    const Duration length = experience_.generation_time(type_name(row->held->task));
    const Time latest_start = row->held->deadline - experience_.submission_time() - length;
    Row* victim = nullptr;
    Time soonest = Time::max();
    for (auto& [hotkey, other] : rows_) {
      if (!other.held || other.held->running == 0) {
        continue;
      }
      soonest = std::min(soonest, expected_finish(other, now));
      const bool is_spare = credible_generations(other, now) > 1 ||
                            (other.held->best && is_worth_sending(other, *other.held->best));
      if (is_spare && (victim == nullptr || gain_for(other) < gain_for(*victim))) {
        victim = &other;
      }
    }
    if (victim == nullptr || soonest <= latest_start) {
      return;
    }
    for (auto generation = generations_.rbegin(); generation != generations_.rend(); ++generation) {
      Generation& last = generation->second;
      if (last.hotkey == victim->neuron.hotkey && !last.is_cancelled) {
        last.is_cancelled = true;
        --victim->held->running;
        decide(*victim, "give its spare worker to validator " + std::to_string(row->neuron.uid),
               now);
        actions.push_back(CancelAction{generation->first});
        break;
      }
    }
  }
}

/// A task whose workers all may hang gets a spare one as well: otherwise it would wait for the
/// limit of a generation, a second lost per second. Whichever candidate comes first is used.
void Scheduler::assign_hedges(Time now, std::vector<Action>& actions) {
  for (auto& [hotkey, row] : rows_) {
    const auto due = hedge_time(row);
    if (free_workers() > 0 && due && *due <= now) {
      const double usual = to_seconds(experience_.generation_time(type_name(row.held->task)));
      const double limit = to_seconds(experience_.overdue_time(type_name(row.held->task)));
      decide(row,
             fmt::format("another worker: the last candidate is not ready after {:.1f} s, {:.1f} s "
                         "are usual",
                         to_seconds(now - *due) + limit, usual),
             now);
      start_generation(row, "instead of an overdue one: candidate", now, actions);
    }
  }
}

/// Spare workers make more candidates of the tasks that gain most by it, as long as no task that
/// is about to come would find them all busy.
void Scheduler::assign_extras(Time now, std::vector<Action>& actions) {
  while (free_workers() > 0 && config_.improves_results) {
    Row* best = nullptr;
    double best_profit = 0;
    for (auto& [hotkey, row] : rows_) {
      const bool is_open_task = (row.state == State::queued || row.state == State::generating) &&
                                is_open(row.skip_reason) && row.held &&
                                row.held->next_attempt < config_.max_candidates &&
                                row.held->generation_failures < config_.max_generation_failures;
      const bool has_start = is_open_task && (row.held->running > 0 || row.held->best);
      if (!has_start) {
        continue;
      }
      const std::string type = type_name(row.held->task);
      const Duration length = experience_.generation_time(type);
      const TaskTiming timing = timing_of(row, now);
      const double finish = timing.now + to_seconds(length);
      const double cost = timing.cost_of_waiting(finish);
      const double profit = cost > config_.most_paid_waiting ? 0 : gain_for(row) - cost;
      const double slack = timing.window - timing.submission - to_seconds(length);
      const Duration reserved = length - from_seconds(std::max(0.0, slack));
      const bool has_room = free_workers() > tasks_due_within(reserved, now);
      if (profit > best_profit && has_room && experience_.scores(type).count() > 0) {
        best = &row;
        best_profit = profit;
      }
    }
    if (best == nullptr) {
      return;
    }
    start_generation(*best,
                     fmt::format("better one, worth {:.2f} % of a cycle,", 100 * best_profit), now,
                     actions);
  }
}

int Scheduler::tasks_due_within(Duration ahead, Time now) const {
  return static_cast<int>(std::count_if(rows_.begin(), rows_.end(), [&](const auto& entry) {
    const Row& row = entry.second;
    const bool comes = row.state == State::pulling || row.state == State::ready ||
                       (is_waiting(row.state) && row.until <= now + ahead);
    return comes && is_open(row.skip_reason) && !has_answer(row);
  }));
}

void Scheduler::start_generation(Row& row, std::string why, Time now,
                                 std::vector<Action>& actions) {
  Held& held = *row.held;
  GenerateAction action;
  action.generation = next_generation_++;
  action.hotkey = row.neuron.hotkey;
  action.task = held.task;
  action.attempt = held.next_attempt++;
  action.seed = seed_of(held.task.id, action.attempt);
  action.limit = experience_.generation_limit(type_name(held.task));
  generations_[action.generation] = {action.hotkey, held.task.id, action.attempt,
                                     action.seed,   now,          false};
  ++held.running;
  std::string reason = fmt::format("{} {} of task {}", why, action.attempt + 1, held.task.id);
  Event intent = make_event(row, EventKind::generating, now, reason);
  intent.attempt = action.attempt;
  intent.seed = action.seed;
  record(std::move(intent));
  set_state(row, State::generating, std::move(reason), now);
  actions.push_back(std::move(action));
}

/// Makes results final: at once when no worker is on the task any more, and otherwise as soon as
/// waiting for a better one does not pay.
void Scheduler::settle_tasks(Time now, std::vector<Action>& actions) {
  for (auto& [hotkey, row] : rows_) {
    const bool is_working = row.state == State::queued || row.state == State::generating;
    if (!is_working || !row.held->best || !is_worth_sending(row, *row.held->best)) {
      continue;
    }
    Held& held = *row.held;
    if (held.running > 0 && !draining_ && is_worth_waiting(row, now)) {
      set_state(row, State::generating,
                fmt::format("has {:.3f}, waits for {} more", held.best->score, held.running), now,
                end_of_patience(row, now));
      continue;
    }
    cancel_generations(row, actions);
    held.running = 0;
    held.is_final = true;
    const TaskTiming timing = timing_of(row, now);
    decide(row,
           fmt::format("send {:.3f}{} after {} candidates, {:.1f} s into a window of {:.0f} s",
                       held.best->score,
                       held.best->judged ? ", " + describe(rule_of(row)) : std::string(),
                       held.next_attempt, timing.now, timing.window),
           now);
    set_state(row, State::ready, fmt::format("result ready, score {:.3f}", held.best->score), now);
  }
}

void Scheduler::cancel_generations(const Row& row, std::vector<Action>& actions) {
  for (auto& [id, generation] : generations_) {
    if (generation.hotkey == row.neuron.hotkey && !generation.is_cancelled) {
      generation.is_cancelled = true;
      actions.push_back(CancelAction{id});
    }
  }
}

// ---- what the decisions rest on ----------------------------------------------------------------

TaskTiming Scheduler::timing_of(const Row& row, Time now) const {
  const LedgerRow& ledger = ledger_.row(row.neuron.hotkey);
  TaskTiming timing;
  timing.now = to_seconds(now - row.held->assigned);
  timing.window = to_seconds(row.held->deadline - row.held->assigned);
  timing.cooldown = ledger.cooldown_or(config_.priors);
  timing.submission = to_seconds(experience_.submission_time());
  return timing;
}

bool Scheduler::is_worth_sending(const Row& row, const Candidate& candidate) const {
  if (!candidate.spz || candidate.spz->empty()) {
    return false;
  }
  if (!candidate.judged) {
    return true;  // only the data checks speak, and they were passed
  }
  return !candidate.is_discarded && rule_of(row).is_met_by(candidate.score);
}

SendRule Scheduler::rule_of(const Row& row) const {
  const std::string& hotkey = row.neuron.hotkey;
  return send_rule(experience_, hotkey, ledger_.row(hotkey), config_.priors);
}

std::optional<double> Scheduler::floor_of(std::uint64_t id) const {
  const auto found = generations_.find(id);
  if (found == generations_.end() || found->second.is_cancelled) {
    return std::nullopt;
  }
  const Row& row = rows_.at(found->second.hotkey);
  if (!row.held || row.held->task.id != found->second.task_id) {
    return std::nullopt;
  }
  const double needed = rule_of(row).needed();
  const bool has_better = row.held->best && is_worth_sending(row, *row.held->best);
  return has_better ? std::max(needed, row.held->best->score) : needed;
}

/// The best candidate's place among all of its type, in standard deviations.
double Scheduler::standing_of(const Row& row) const {
  constexpr double kFarthest = 4;
  const Held& held = *row.held;
  if (!held.best || held.judged == 0) {
    return -kFarthest;
  }
  const auto standing = experience_.standing(type_name(held.task), held.best->score);
  return standing ? std::clamp(*standing, -kFarthest, kFarthest) : expected_best_of(held.judged);
}

/// What one more candidate is worth, given those made and those being made.
double Scheduler::gain_for(const Row& row) const {
  const Held& held = *row.held;
  const bool is_incomparable = held.best && !held.best->judged;
  if (!config_.improves_results || is_incomparable) {
    return 0;
  }
  const LedgerRow& ledger = ledger_.row(row.neuron.hotkey);
  QualityModel model;
  model.correlation = config_.learns_correlation
                          ? experience_.score_correlation(config_.score_correlation).correlation
                          : config_.score_correlation;
  model.rating_per_deviation = config_.rating_per_deviation;
  model.rating = ledger.rating > 0 ? ledger.rating : ledger.duels.rating;
  model.deviation = ledger.duels.deviation;
  const double expected = held.running == 0 ? standing_of(row) : expected_best_of(held.running);
  return gain_of_another(model, std::max(standing_of(row), expected));
}

Time Scheduler::expected_finish(const Row& row, Time now) const {
  const Duration length = experience_.generation_time(type_name(row.held->task));
  Time soonest = Time::max();
  for (const auto& [id, generation] : generations_) {
    if (generation.hotkey == row.neuron.hotkey && !generation.is_cancelled) {
      // One that is overdue may hang: the longer it has been, the longer it may take.
      const Duration overdue = now - generation.began - length;
      const Duration remaining =
          overdue < Duration::zero() ? -overdue : std::max(length / 4, overdue);
      soonest = std::min(soonest, now + remaining);
    }
  }
  return soonest;
}

/// When another worker should take the task besides those that are on it: when the newest of its
/// generations is overdue, too, and there is nothing to send.
std::optional<Time> Scheduler::hedge_time(const Row& row) const {
  const bool is_in_hand = row.state == State::generating && is_open(row.skip_reason) &&
                          row.held->running > 0 &&
                          row.held->next_attempt < config_.max_candidates &&
                          row.held->generation_failures < config_.max_generation_failures;
  if (!is_in_hand || (row.held->best && is_worth_sending(row, *row.held->best))) {
    return std::nullopt;
  }
  Time newest = Time::min();
  for (const auto& [id, generation] : generations_) {
    if (generation.hotkey == row.neuron.hotkey && !generation.is_cancelled) {
      newest = std::max(newest, generation.began);
    }
  }
  return newest + experience_.overdue_time(type_name(row.held->task));
}

/// How many generations of the task are not overdue.
int Scheduler::credible_generations(const Row& row, Time now) const {
  const Duration overdue = experience_.overdue_time(type_name(row.held->task));
  return static_cast<int>(std::ranges::count_if(generations_, [&](const auto& entry) {
    const Generation& generation = entry.second;
    return generation.hotkey == row.neuron.hotkey && !generation.is_cancelled &&
           now < generation.began + overdue;
  }));
}

/// When to think again about waiting for a better result: when it is overdue, or when the window
/// ends and waiting begins to cost.
Time Scheduler::end_of_patience(const Row& row, Time now) const {
  const Held& held = *row.held;
  const Duration length = experience_.generation_time(type_name(held.task));
  const Time overdue = std::max(expected_finish(row, now), now) + length / 4;
  const Time window_end = held.deadline - experience_.submission_time();
  return window_end > now ? std::min(overdue, window_end) : overdue;
}

bool Scheduler::is_worth_waiting(const Row& row, Time now) const {
  const Held& held = *row.held;
  if (!held.best->judged) {
    return false;
  }
  const TaskTiming timing = timing_of(row, now);
  const double finish = to_seconds(expected_finish(row, now) - held.assigned);
  const double cost = timing.cost_of_waiting(finish);
  return cost <= config_.most_paid_waiting && gain_for(row) > cost;
}

}  // namespace lode::miner
