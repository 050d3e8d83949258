#include "miner/scheduler.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"
#include "miner/eligibility.h"

namespace lode::miner {

std::string_view to_string(State state) {
  switch (state) {
    case State::skipped:
      return "skipped";
    case State::starting:
      return "starting";
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

namespace {

Ledger fold(const std::vector<Event>& events) {
  Ledger ledger;
  for (const Event& event : events) {
    ledger.apply(event);
  }
  return ledger;
}

}  // namespace

Scheduler::Scheduler(Config config, const std::vector<Event>& history)
    : Scheduler(std::move(config), fold(history), history) {}

Scheduler::Scheduler(Config config, Ledger ledger, const std::vector<Event>& recent)
    : config_(std::move(config)), ledger_(std::move(ledger)), experience_(config_.priors) {
  for (const Event& event : recent) {
    experience_.apply(event);
  }
}

// ---- the world changes -------------------------------------------------------------------------

void Scheduler::set_metagraph(const chain::Metagraph& metagraph, const std::string& own_hotkey,
                              Time now) {
  for (auto& [hotkey, row] : rows_) {
    row.in_metagraph = false;
  }
  for (const chain::Neuron& neuron : metagraph.neurons) {
    if (neuron.hotkey == own_hotkey || !is_validator(neuron, config_)) {
      continue;
    }
    const auto [entry, is_new] = rows_.try_emplace(neuron.hotkey);
    entry->second.neuron = neuron;
    entry->second.in_metagraph = true;
    if (is_new) {
      add_row(neuron, now);
    }
  }
  refresh_eligibility(now);
  if (!is_staggered_ && !rows_.empty()) {
    is_staggered_ = true;
    stagger(now);
  }
}

void Scheduler::add_row(const chain::Neuron& neuron, Time now) {
  Row& row = rows_[neuron.hotkey];
  const LedgerRow& past = ledger_.row(neuron.hotkey);
  if (!past.held_task_id.empty()) {
    set_state(row, State::ready, "resuming task " + past.held_task_id + " from the journal", now);
  } else if (past.cooldown_until > unix_seconds(now)) {
    set_state(row, State::cooling, "cooldown known from the journal", now,
              from_unix_seconds(past.cooldown_until) + config_.pull_margin);
  } else {
    set_state(row, State::ready, "not asked yet", now);
  }
}

/// Spreads the first pulls of a start: tasks that come one by one each find all workers free.
/// Larger stakes first. Rows with a cooldown or a held task keep the place they have.
void Scheduler::stagger(Time now) {
  std::vector<Row*> fresh;
  for (auto& [hotkey, row] : rows_) {
    if (!row.skip_reason && row.state == State::ready && ledger_.row(hotkey).held_task_id.empty()) {
      fresh.push_back(&row);
    }
  }
  std::stable_sort(fresh.begin(), fresh.end(),
                   [](const Row* a, const Row* b) { return a->neuron.stake > b->neuron.stake; });
  stagger_began_ = now;
  stagger_ = config_.stagger;
  const auto count = static_cast<std::int64_t>(fresh.size());
  for (std::int64_t i = 1; i < count; ++i) {
    Row& row = *fresh[static_cast<std::size_t>(i)];
    set_state(row, State::starting, "first pulls are spread over time", now,
              now + stagger_ * i / count);
  }
}

/// The first tasks tell how long a throttle window is: the start need not take longer than two.
void Scheduler::hasten_start(Duration window, Time now) {
  const Duration enough = window * 2;
  if (enough >= stagger_) {
    return;
  }
  const double ratio = to_seconds(enough) / to_seconds(stagger_);
  for (auto& [hotkey, row] : rows_) {
    if (row.state == State::starting) {
      row.since = now;
      row.until = stagger_began_ + from_seconds(to_seconds(row.until - stagger_began_) * ratio);
    }
  }
  stagger_ = enough;
}

void Scheduler::set_blacklist(std::vector<BlacklistEntry> blacklist, Time now) {
  config_.blacklist = std::move(blacklist);
  refresh_eligibility(now);
}

void Scheduler::set_min_stake(double min_stake, Time now) {
  config_.min_stake = min_stake;
  refresh_eligibility(now);
}

void Scheduler::refresh_eligibility(Time now) {
  for (auto& [hotkey, row] : rows_) {
    auto reason = row.in_metagraph ? reason_to_skip(row.neuron, config_)
                                   : std::optional<std::string>("left the metagraph");
    if (reason && reason != row.skip_reason) {
      note(row, State::skipped, *reason, now);
    }
    row.skip_reason = std::move(reason);
  }
}

// ---- what to do --------------------------------------------------------------------------------

std::vector<Action> Scheduler::due(Time now) {
  std::vector<Action> actions;
  plan_work(now, actions);
  for (auto& [hotkey, row] : rows_) {
    if (auto action = start_call(row, now)) {
      actions.push_back(*std::move(action));
    }
  }
  return actions;
}

/// The pull or submission that is due for one validator, if any.
std::optional<Action> Scheduler::start_call(Row& row, Time now) {
  const bool waits = is_waiting(row.state);
  if (!(row.state == State::ready || (waits && now >= row.until))) {
    return std::nullopt;
  }
  row.call_began = now;
  if (has_answer(row)) {
    const Held& held = *row.held;
    Event intent = make_event(row, EventKind::submitting, now, "empty");
    if (!held.give_up) {
      intent.detail = fmt::format("score {:.3f}", held.best->score);
      intent.score = held.best->score;
      intent.judged = held.best->judged;
      intent.artifact = held.best->artifact;
    }
    record(std::move(intent));
    set_state(row, State::submitting,
              held.give_up ? "sending an empty submission" : "sending the result", now);
    return SubmitAction{row.neuron.hotkey, held.task, held.give_up ? std::nullopt : held.best,
                        experience_.submission_limit()};
  }
  if (draining_ || row.skip_reason || !hold_.empty()) {
    return std::nullopt;
  }
  const Time planned = waits ? std::max(row.until, row.since) : now;
  record(make_event(row, EventKind::pulling, now));
  set_state(row, State::pulling, "asking for a task", now);
  return PullAction{row.neuron.hotkey, planned};
}

std::optional<Time> Scheduler::next_due() const {
  std::optional<Time> next;
  const auto consider = [&](Time at) { next = next ? std::min(*next, at) : at; };
  for (const auto& [hotkey, row] : rows_) {
    const bool may_wait_in_vain = row.state == State::generating && row.held->best &&
                                  is_worth_sending(row, *row.held->best) && !draining_;
    if (may_wait_in_vain) {
      consider(row.until);  // when waiting for a better candidate no longer pays
    }
    if (const auto hedge = hedge_time(row); hedge && !draining_ && free_workers() > 0) {
      consider(*hedge);
    }
    const bool waits = is_waiting(row.state);
    const bool may_call = has_answer(row) || !(draining_ || row.skip_reason || !hold_.empty());
    if ((waits || row.state == State::ready) && may_call) {
      consider(waits ? row.until : Time::min());
    }
  }
  return next;
}

std::vector<Event> Scheduler::take_events() { return std::exchange(events_, {}); }

bool Scheduler::is_idle() const {
  return generations_.empty() && std::none_of(rows_.begin(), rows_.end(), [](const auto& entry) {
           const State state = entry.second.state;
           return state == State::pulling || state == State::submitting;
         });
}

bool Scheduler::is_drained() const {
  const auto has_something_to_send = [this](const auto& entry) {
    const Row& row = entry.second;
    const bool is_decided = row.state == State::ready && has_answer(row);
    const bool will_be =
        row.state == State::queued && row.held->best && is_worth_sending(row, *row.held->best);
    return is_decided || will_be;
  };
  return draining_ && is_idle() && std::none_of(rows_.begin(), rows_.end(), has_something_to_send);
}

// ---- helpers -----------------------------------------------------------------------------------

Scheduler::Row& Scheduler::row(const std::string& hotkey) {
  const auto found = rows_.find(hotkey);
  LODE_ASSERT(found != rows_.end(), "every hotkey in use has a row");
  return found->second;
}

bool Scheduler::is_waiting(State state) {
  return state == State::cooling || state == State::backing_off || state == State::starting;
}

/// Whether the next call to this validator is a submission.
bool Scheduler::has_answer(const Row& row) {
  const bool decided = row.held && (row.held->give_up || row.held->is_final);
  return decided && !row.resubmit_after_pull;
}

/// Adds to the trail what is news.
void Scheduler::note(Row& row, State state, const std::string& reason, Time now) {
  constexpr std::size_t kTrail = 64;
  const bool is_news =
      row.trail.empty() || row.trail.back().state != state || row.trail.back().reason != reason;
  if (is_news) {
    row.trail.push_back({now, state, reason});
  }
  if (row.trail.size() > kTrail) {
    row.trail.pop_front();
  }
}

void Scheduler::set_state(Row& row, State state, std::string reason, Time now, Time until) {
  note(row, state, reason, now);
  row.state = state;
  row.since = now;
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
  experience_.apply(event);
  events_.push_back(std::move(event));
}

/// A choice that could have gone another way: for the journal.
void Scheduler::decide(Row& row, std::string what, Time now) {
  record(make_event(row, EventKind::decided, now, std::move(what)));
}

// ---- what people see ---------------------------------------------------------------------------

std::vector<ValidatorView> Scheduler::view() const {
  std::vector<ValidatorView> views;
  for (const auto& [hotkey, row] : rows_) {
    ValidatorView view{.neuron = row.neuron,
                       .state = row.state,
                       .reason = row.reason,
                       .until = std::nullopt,
                       .ledger = ledger_.row(hotkey),
                       .clock_offset = clocks_.offset(hotkey),
                       .clock_uncertainty = clocks_.uncertainty(hotkey),
                       .margin = rule_of(row),
                       .hint = {}};
    const bool waits = is_waiting(row.state);
    if (waits) {
      view.until = row.until;
    }
    if (row.skip_reason && !row.held) {
      view.state = State::skipped;
      view.reason = *row.skip_reason;
      view.until.reset();
    } else if (draining_ && (waits || row.state == State::ready || row.state == State::queued)) {
      view.state = State::draining;
      view.reason = "shutting down; " + row.reason;
    } else if (!hold_.empty() && (waits || row.state == State::ready)) {
      view.reason = "held back: " + hold_;
    }
    views.push_back(std::move(view));
  }
  std::sort(views.begin(), views.end(),
            [](const auto& a, const auto& b) { return a.neuron.uid < b.neuron.uid; });
  return views;
}

std::vector<TrailEntry> Scheduler::trail(const std::string& hotkey) const {
  const auto found = rows_.find(hotkey);
  if (found == rows_.end()) {
    return {};
  }
  return {found->second.trail.begin(), found->second.trail.end()};
}

int Scheduler::queued() const {
  return static_cast<int>(std::count_if(rows_.begin(), rows_.end(), [](const auto& entry) {
    return entry.second.state == State::queued;
  }));
}

}  // namespace lode::miner
