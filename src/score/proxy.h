// What a few views tell of a model's score, and when that is enough to give the model up.
#pragma once

#include <array>
#include <span>

#include "score/formula.h"

namespace lode::score {

/// Views to look at first: a quarter turn apart, beginning at the front. Of the engine's 16 the
/// last repeats the first, so 15 are distinct.
inline constexpr std::array<int, 4> kProxyViews{0, 4, 8, 11};
inline constexpr int kDistinctViews = 15;

/// What is thought of views before they are seen.
struct ProxyPrior {
  double quality_spread = 0.1;    ///< standard deviation between a model's views
  double alignment_spread = 0.1;  ///< the same of alignments (cosine / 0.35 for prompts)
  double rest = 0.03;             ///< expected sum of the SSIM and LPIPS terms, which need pairs
  double rest_spread = 0.012;     ///< its standard deviation: 0 to 0.05 is possible
};

struct ProxyEstimate {
  double value = 0;            ///< of the full score, the floor on alignment apart
  double error = 0;            ///< its standard deviation
  double alignment = 0;        ///< of the full alignment
  double alignment_error = 0;  ///< its standard deviation

  /// Probability that the full score reaches the threshold: normal errors, times the probability
  /// that alignment is above its floor.
  double pass_probability(double threshold) const;
};

/// From the qualities and alignments of the views looked at (as many of each, at least one; of
/// alignments those divided by kFullTextCosine, for prompts). The engine's outlier filter is left
/// out: it moves a mean of 15 by less than the error. A mean of n of N views, drawn without
/// replacement, has the standard error s / sqrt(n) sqrt(1 - n / N) (Cochran, Sampling Techniques,
/// 1977, 2.15), with s^2 drawn to the prior's as by two views more.
ProxyEstimate estimate_score(std::span<const double> qualities, std::span<const double> alignments,
                             const ProxyPrior& prior = {});

/// Below this chance of passing a model is not worth its other views: it costs less than one good
/// model in fifty, and a 4-view look a quarter of a full one.
inline constexpr double kHopeless = 0.02;

/// The rule: give up when pass_probability(threshold) < kHopeless.
bool is_hopeless(const ProxyEstimate& estimate, double threshold);

}  // namespace lode::score
