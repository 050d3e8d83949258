// Sampling errors of means over a few views.
#include "score/proxy.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"

namespace lode::score {
namespace {

struct Mean {
  double value = 0;
  double error = 0;
};

Mean mean_of_views(std::span<const double> values, double prior_spread) {
  constexpr double kPriorViews = 2;
  const auto n = static_cast<double>(values.size());
  Mean mean;
  for (const double value : values) {
    mean.value += value / n;
  }
  double squares = kPriorViews * prior_spread * prior_spread;
  for (const double value : values) {
    squares += (value - mean.value) * (value - mean.value);
  }
  const double variance = squares / (n - 1 + kPriorViews);
  mean.error = std::sqrt(variance / n * std::max(0.0, 1 - n / kDistinctViews));
  return mean;
}

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

/// P(x >= bound) of a normal x; a step where it has no spread.
double reaches(double value, double error, double bound) {
  return error > 0 ? normal_cdf((value - bound) / error) : (value >= bound ? 1 : 0);
}

}  // namespace

double ProxyEstimate::pass_probability(double threshold) const {
  return reaches(value, error, threshold) * reaches(alignment, alignment_error, kAlignmentFloor);
}

ProxyEstimate estimate_score(std::span<const double> qualities, std::span<const double> alignments,
                             const ProxyPrior& prior) {
  LODE_ASSERT(!qualities.empty() && qualities.size() == alignments.size(),
              "a quality and an alignment a view");
  const Mean quality = mean_of_views(qualities, prior.quality_spread);
  const Mean alignment = mean_of_views(alignments, prior.alignment_spread);
  ProxyEstimate estimate;
  estimate.value = kQualityWeight * quality.value + kAlignmentWeight * alignment.value + prior.rest;
  // A view that looks bad is badly aligned, too: errors that go together add up.
  estimate.error = std::hypot(kQualityWeight * quality.error + kAlignmentWeight * alignment.error,
                              prior.rest_spread);
  estimate.alignment = alignment.value;
  estimate.alignment_error = alignment.error;
  return estimate;
}

bool is_hopeless(const ProxyEstimate& estimate, double threshold) {
  return estimate.pass_probability(threshold) < kHopeless;
}

}  // namespace lode::score
