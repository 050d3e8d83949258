// How good a candidate is, and how good our own scorer thinks it is.
#pragma once

#include "base/rng.h"

namespace lode::simulate {

/// Scores of candidates. A share `reject_rate` is truly below the threshold (uniform over the 0.3
/// below it), the others are normal around `mean`, cut to threshold .. 1. The local score is the
/// true one plus normal noise, redrawn until it lies on the side of the threshold that the
/// verdict says: `recall` of the bad are seen as bad and `false_alarms` of the good.
struct QualityModel {
  double reject_rate = 0;
  double mean = 0.8;     ///< of good candidates
  double spread = 0.07;  ///< their standard deviation
  double recall = 0.9;
  double false_alarms = 0;
  /// Standard deviation of the local score's noise; its correlation with the true score among good
  /// candidates is spread / sqrt(spread^2 + error^2), 0.5 by default.
  double error = 0.1212;
  /// Added to every local score, the verdict's side notwithstanding: a scorer that is too kind.
  double bias = 0;
};

struct Quality {
  double true_score = 0;   ///< what the validator will find
  double local_score = 0;  ///< what we find
};

Quality draw_quality(const QualityModel& model, double threshold, Rng& rng);

/// The noise that makes the correlation `correlation` (above 0, at most 1) at this spread.
double error_for_correlation(double correlation, double spread);

}  // namespace lode::simulate
