// One row per validator, folded from events: what was asked, what came of it, what was learned.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "miner/config.h"
#include "miner/event.h"
#include "subnet/rating.h"

namespace lode::miner {

/// What is known of one validator from the events alone. Live or after a restart, the same events
/// give the same row.
struct LedgerRow {
  // Counts over the journal's whole life.
  int pulled = 0;  ///< tasks assigned (a re-issued task counts once)
  int accepted = 0;
  int empty = 0;             ///< empty submissions taken
  int rejected = 0;          ///< scored below the threshold by the validator
  int settled = 0;           ///< finished with the outcome unseen
  int violations = 0;        ///< pulls that were answered "too early"
  int validator_faults = 0;  ///< its scorer failed
  int pull_failures = 0;
  int submit_failures = 0;
  int generation_failures = 0;
  int candidates = 0;
  double accepted_score_sum = 0;

  // Learned from the wire.
  double threshold = 0.6;
  std::int64_t throttle_period = 30;  ///< seconds
  std::int64_t cooldown_until = 0;    ///< seconds since the epoch
  std::int64_t cooldown_seconds = 0;  ///< from task to task; 0 until seen
  std::int64_t penalty_seconds = 0;   ///< added for a rejected result; 0 until seen
  std::int64_t window_count = 0;
  double rating = 0;  ///< of our duels at this validator; 0 until told
  double reward = 0;
  /// What its rating is thought to be inside: the deviation is never told, but follows from the
  /// number of times that the rating moved.
  subnet::Rating duels;
  int rating_moves = 0;
  double pull_seconds = 0;    ///< of the last answered pull
  double submit_seconds = 0;  ///< of the last answered submission

  // The task that the validator holds us to, if any.
  std::string held_task_id;
  Time held_since{};
  std::string held_type;    ///< "text" or "image"
  int submit_attempts = 0;  ///< of the held task

  std::string last_error;
  Time last_error_at{};
  Time last_event_at{};

  /// C and the penalty as far as known, in seconds; else by the validators' usual proportions to
  /// the throttle window.
  double cooldown_or(const Priors& priors) const;
  double penalty_or(const Priors& priors) const;

  double mean_score() const { return accepted == 0 ? 0 : accepted_score_sum / accepted; }
};

/// Rows by hotkey.
class Ledger {
 public:
  Ledger() = default;
  /// Goes on from rows that were folded before.
  explicit Ledger(std::map<std::string, LedgerRow> rows) : rows_(std::move(rows)) {}

  /// Folds one event into its validator's row.
  void apply(const Event& event);

  const LedgerRow& row(const std::string& hotkey) const;
  const std::map<std::string, LedgerRow>& rows() const { return rows_; }

 private:
  std::map<std::string, LedgerRow> rows_;
};

}  // namespace lode::miner
