#include "simulate/quality.h"

#include <algorithm>
#include <cmath>

namespace lode::simulate {
namespace {

/// Redraws before a score is moved to its side instead: with settings that leave a side nearly no
/// room, drawing would never end.
constexpr int kMaxDraws = 200;

/// Nearest score that is below the threshold for any reader who prints four digits.
constexpr double kJustBelow = 1e-4;

/// A normal number in [low, high].
double normal_within(double mean, double spread, double low, double high, Rng& rng) {
  double value = mean;
  for (int i = 0; i < kMaxDraws; ++i) {
    value = mean + spread * rng.normal();
    if (value >= low && value <= high) {
      return value;
    }
  }
  return std::clamp(value, low, high);
}

}  // namespace

Quality draw_quality(const QualityModel& model, double threshold, Rng& rng) {
  constexpr double kBadRange = 0.3;
  const double below = threshold - kJustBelow;
  const auto draw_good = [&] { return normal_within(model.mean, model.spread, threshold, 1, rng); };
  const bool is_bad = rng.uniform() < model.reject_rate;
  const bool looks_bad = rng.uniform() < (is_bad ? model.recall : model.false_alarms);
  Quality quality;
  quality.true_score =
      is_bad ? rng.uniform(std::max(0.0, threshold - kBadRange), below) : draw_good();
  // A bad candidate that the scorer overlooks looks like any good one.
  const double seen = is_bad && !looks_bad ? draw_good() : quality.true_score;
  quality.local_score = looks_bad ? normal_within(seen, model.error, 0, below, rng)
                                  : normal_within(seen, model.error, threshold, 1, rng);
  if (model.bias != 0) {
    quality.local_score = std::clamp(quality.local_score + model.bias, 0.0, 1.0);
  }
  return quality;
}

double error_for_correlation(double correlation, double spread) {
  return spread * std::sqrt(1 / (correlation * correlation) - 1);
}

}  // namespace lode::simulate
