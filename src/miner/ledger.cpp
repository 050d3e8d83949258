#include "miner/ledger.h"

#include <algorithm>
#include <cmath>

namespace lode::miner {
namespace {

void note_error(LedgerRow& row, const Event& event) {
  row.last_error = event.detail;
  row.last_error_at = event.at;
}

/// Longer cooldowns and windows, in seconds, are a peer's nonsense.
constexpr std::int64_t kLongest = 86'400;

/// The validator's cooldown, from the rule that its reply followed: the later of "assignment plus
/// C" and "result minus window plus C". Good to a second or two: both ends were rounded.
std::int64_t cooldown_behind(const LedgerRow& row, const Event& event) {
  const std::chrono::seconds window(std::clamp<std::int64_t>(row.throttle_period, 0, kLongest));
  const auto base = std::max(row.held_since, event.at - window);
  return std::max<std::int64_t>(1, event.cooldown_until - unix_seconds(base));
}

/// Learns C from an outcome without a penalty, and the penalty from a rejection.
void learn_cooldown(LedgerRow& row, const Event& event) {
  if (event.cooldown_until <= 0 || row.held_task_id.empty()) {
    return;
  }
  const std::int64_t seconds = cooldown_behind(row, event);
  if (seconds > kLongest) {
    return;
  }
  if (event.kind == EventKind::rejected) {
    row.penalty_seconds = row.cooldown_seconds > 0 && seconds > row.cooldown_seconds
                              ? seconds - row.cooldown_seconds
                              : row.penalty_seconds;
  } else {
    row.cooldown_seconds = seconds;
  }
}

void end_task(LedgerRow& row, const Event& event) {
  row.held_task_id.clear();
  row.submit_attempts = 0;
  row.cooldown_until = std::max(row.cooldown_until, event.cooldown_until);
}

/// Follows the rating by one duel each time that it moved; two duels between two replies are taken
/// for one.
void follow_duels(LedgerRow& row, double rating) {
  constexpr double kLeastMove = 0.01;
  if (rating <= 0 || std::abs(rating - row.duels.rating) < kLeastMove) {
    return;
  }
  using subnet::DuelOutcome;
  const auto outcome = rating > row.duels.rating ? DuelOutcome::win : DuelOutcome::loss;
  row.duels = subnet::after_duel(row.duels, row.duels, outcome);
  row.duels.rating = rating;
  ++row.rating_moves;
}

void take_feedback(LedgerRow& row, const Event& event) {
  learn_cooldown(row, event);
  row.submit_seconds = event.seconds;
  follow_duels(row, event.rating);
  row.window_count = event.window_count;
  row.rating = event.rating;
  row.reward = event.reward;
}

}  // namespace

double LedgerRow::cooldown_or(const Priors& priors) const {
  const auto window = std::clamp<std::int64_t>(throttle_period, 1, kLongest);
  return cooldown_seconds > 0 ? static_cast<double>(cooldown_seconds)
                              : static_cast<double>(window) * priors.cooldown_per_window;
}

double LedgerRow::penalty_or(const Priors& priors) const {
  return penalty_seconds > 0 ? static_cast<double>(penalty_seconds)
                             : cooldown_or(priors) * priors.penalty_per_cooldown;
}

void Ledger::apply(const Event& event) {
  LedgerRow& row = rows_[event.hotkey];
  row.last_event_at = event.at;
  switch (event.kind) {
    case EventKind::assigned:
      if (row.held_task_id != event.task_id) {
        row.held_task_id = event.task_id;
        row.held_since = event.at;
        row.held_type = event.task_type;
        row.submit_attempts = 0;
        ++row.pulled;
      }
      row.threshold = event.threshold;
      row.throttle_period = event.throttle_period;
      row.pull_seconds = event.seconds;
      break;
    case EventKind::cooldown:
      row.cooldown_until = event.cooldown_until;
      row.violations += event.violations > 0 ? 1 : 0;
      break;
    case EventKind::pull_failed:
      ++row.pull_failures;
      note_error(row, event);
      break;
    case EventKind::pulling:
    case EventKind::generating:
    case EventKind::cancelled:
    case EventKind::decided:
      break;
    case EventKind::candidate_ready:
    case EventKind::discarded:
      ++row.candidates;
      break;
    case EventKind::generation_failed:
      ++row.generation_failures;
      note_error(row, event);
      break;
    case EventKind::submitting:
      ++row.submit_attempts;
      break;
    case EventKind::accepted:
      ++row.accepted;
      row.accepted_score_sum += event.score;
      take_feedback(row, event);
      end_task(row, event);
      break;
    case EventKind::emptied:
      ++row.empty;
      take_feedback(row, event);
      end_task(row, event);
      break;
    case EventKind::rejected:
      ++row.rejected;
      note_error(row, event);
      take_feedback(row, event);
      end_task(row, event);
      break;
    case EventKind::validator_failed:
      ++row.validator_faults;
      note_error(row, event);
      end_task(row, event);
      break;
    case EventKind::settled:
      ++row.settled;
      end_task(row, event);
      break;
    case EventKind::submit_failed:
      ++row.submit_failures;
      note_error(row, event);
      break;
  }
}

const LedgerRow& Ledger::row(const std::string& hotkey) const {
  static const LedgerRow kFresh;
  const auto found = rows_.find(hotkey);
  return found == rows_.end() ? kFresh : found->second;
}

}  // namespace lode::miner
