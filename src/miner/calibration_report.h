// The calibration of our scores for people: per validator and over all, as JSON, a table, an SVG.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "miner/calibration.h"
#include "miner/event.h"
#include "miner/ledger.h"
#include "miner/send_rule.h"

namespace lode::miner {

/// One validator's line, or that over all. The fit is of the newest pairs (kPairsPerValidator,
/// kPairsOverall), as the miner itself uses it, and so is every number here.
struct CalibrationRow {
  std::vector<ScorePair> pairs;
  Calibration calibration;
  SendRule rule;          ///< what the miner would send by, with these events alone
  int false_accepts = 0;  ///< rejected although we scored what was needed or more
  int false_rejects = 0;  ///< accepted although we scored less than that
};

/// The first half of the pairs against the last, each fitted alone.
struct CalibrationDrift {
  Calibration early, late;
  /// Mean of theirs minus ours, in the late half less in the early one, and its standard error.
  /// Rejected results count with kBelowThreshold under the threshold.
  double shift = 0;
  double error = 0;
  /// The shift is more than three errors, in halves of kEnoughToMove pairs at least.
  bool has_moved = false;
};
inline constexpr int kEnoughToMove = 10;

CalibrationDrift compare_halves(std::span<const ScorePair> pairs,
                                const CalibrationPrior& prior = {});

struct CalibrationReport {
  CalibrationRow total;
  std::map<std::string, CalibrationRow> validators;  ///< by hotkey; those with pairs
  CalibrationDrift drift;                            ///< of all pairs there are
  CorrelationEstimate correlation;                   ///< of our score with judges' preferences
};

/// From events in order; `ledger` knows the validators' thresholds, cooldowns and penalties.
CalibrationReport compute_calibration(const std::vector<Event>& events, const Ledger& ledger,
                                      const Config& config = {});

/// {total, validators[], drift, correlation}; `uids` by hotkey, -1 where unknown. Rows have pairs,
/// rejected, mean_predicted, mean_returned, bias, spread, threshold, margin, margin_from,
/// least_acceptance, false_accepts, false_rejects and `curve`, [ours, theirs, probability of
/// acceptance at the usual threshold] in steps of 0.05. `drift` has `early` and `late`, each with
/// pairs, rejected, bias, spread and curve, and shift, error, has_moved. `correlation` has moves,
/// measured, error, correlation.
nlohmann::json to_json(const CalibrationReport& report, const std::map<std::string, int>& uids);

/// Such an object as a table for a terminal.
std::string format_calibration(const nlohmann::json& report);

/// An SVG document: every pair over all validators, ours to the right and theirs upwards, rejected
/// ones on the bottom line; the identity, the curve with its spread, the threshold and the margin,
/// and the curves of the early and the late half.
std::string calibration_svg(const CalibrationReport& report);

}  // namespace lode::miner
