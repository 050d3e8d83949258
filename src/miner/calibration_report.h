// The calibration of our scores for people: per validator and over all, as JSON, a table, an SVG.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "miner/calibration.h"
#include "miner/event.h"

namespace lode::miner {

/// One validator's line, or that over all. The fit is of the newest pairs (kPairsPerValidator,
/// kPairsOverall), as the miner itself uses it, and so is every number here.
struct CalibrationRow {
  std::vector<ScorePair> pairs;
  Calibration calibration;
  double margin = 0;      ///< safety_margin()
  int false_accepts = 0;  ///< rejected although we scored threshold + margin or more
  int false_rejects = 0;  ///< accepted although we scored less than that
};

struct CalibrationReport {
  CalibrationRow total;
  std::map<std::string, CalibrationRow> validators;  ///< by hotkey; those with pairs
};

/// From events in order.
CalibrationReport compute_calibration(const std::vector<Event>& events,
                                      const CalibrationPrior& prior = {});

/// {target, total, validators[]}; `uids` by hotkey, -1 where unknown. Rows have pairs, rejected,
/// mean_predicted, mean_returned, bias, spread, margin, false_accepts, false_rejects and `curve`,
/// [ours, theirs, probability of acceptance at the usual threshold] in steps of 0.05.
nlohmann::json to_json(const CalibrationReport& report, const std::map<std::string, int>& uids);

/// Such an object as a table for a terminal.
std::string format_calibration(const nlohmann::json& report);

/// An SVG document: every pair over all validators, ours to the right and theirs upwards, rejected
/// ones on the bottom line; the identity, the curve with its spread, the threshold and the margin.
std::string calibration_svg(const CalibrationRow& row);

}  // namespace lode::miner
