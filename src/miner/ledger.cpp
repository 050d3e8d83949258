#include "miner/ledger.h"

#include <algorithm>

namespace lode::miner {
namespace {

void note_error(LedgerRow& row, const Event& event) {
  row.last_error = event.detail;
  row.last_error_at = event.at;
}

void end_task(LedgerRow& row, const Event& event) {
  row.held_task_id.clear();
  row.submit_attempts = 0;
  row.cooldown_until = std::max(row.cooldown_until, event.cooldown_until);
}

void take_feedback(LedgerRow& row, const Event& event) {
  row.window_count = event.window_count;
  row.rating = event.rating;
  row.reward = event.reward;
}

}  // namespace

void Ledger::apply(const Event& event) {
  LedgerRow& row = rows_[event.hotkey];
  row.last_event_at = event.at;
  switch (event.kind) {
    case EventKind::assigned:
      if (row.held_task_id != event.task_id) {
        row.held_task_id = event.task_id;
        row.held_since = event.at;
        row.submit_attempts = 0;
        ++row.pulled;
      }
      row.threshold = event.threshold;
      row.throttle_period = event.throttle_period;
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
    case EventKind::candidate_ready:
    case EventKind::cancelled:
    case EventKind::decided:
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
