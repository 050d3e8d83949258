// Bounds and sampling errors of means over a few views.
#include "score/proxy.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace lode::score {
namespace {

struct Mean {
  double value = 0;
  double error = 0;  ///< standard
};

/// Alignments as the score takes them, before outliers and means.
std::vector<double> alignments(const Glimpse& glimpse) {
  std::vector<double> values(glimpse.cosines.begin(), glimpse.cosines.end());
  for (double& value : values) {
    value = std::clamp(value, 0.0, 1.0) / (glimpse.of_picture ? 1 : kFullTextCosine);
  }
  return values;
}

Mean mean_of_views(std::span<const double> values) {
  constexpr double kPriorViews = 2;
  const auto n = static_cast<double>(values.size());
  Mean mean;
  for (const double value : values) {
    mean.value += value / n;
  }
  double squares = kPriorViews * kViewSpread * kViewSpread;
  for (const double value : values) {
    squares += (value - mean.value) * (value - mean.value);
  }
  const double variance = squares / (n - 1 + kPriorViews);
  mean.error = std::sqrt(variance / n * std::max(0.0, 1 - n / kDistinctViews));
  return mean;
}

/// P(T <= t) of Student's T with five degrees of freedom (Abramowitz and Stegun, 26.7.3).
double student_cdf(double t) {
  const double angle = std::atan(t / std::sqrt(5.0));
  const double cosine = std::cos(angle);
  return 0.5 + (angle + std::sin(angle) * (cosine + 2.0 / 3 * cosine * cosine * cosine)) /
                   std::numbers::pi;
}

/// P(x >= bound); a step where x has no error.
double reaches(const Mean& x, double bound) {
  return x.error > 0 ? student_cdf((x.value - bound) / x.error) : (x.value >= bound ? 1 : 0);
}

/// The largest alignment that views with these cosines can have in the end.
double highest_alignment(const Glimpse& glimpse) {
  constexpr std::size_t kDropped = 2;  // values above the 90th percentile of 16
  if (glimpse.cosines.size() == kAllViews) {
    const double exact =
        glimpse.of_picture ? image_alignment(glimpse.cosines) : text_alignment(glimpse.cosines);
    return std::isnan(exact) ? 0 : exact;
  }
  std::vector<double> seen;
  for (const double cosine : glimpse.cosines) {
    if (cosine != -1) {  // the engine drops these, besides
      seen.push_back(std::clamp(cosine, 0.0, 1.0));
    }
  }
  std::sort(seen.begin(), seen.end());
  double sum = 0;
  for (std::size_t i = kDropped; i < seen.size(); ++i) {
    sum += std::log(seen[i]);
  }
  const auto kept = static_cast<double>(kAllViews - kDropped);
  return std::exp(sum / kept) / (glimpse.of_picture ? 1 : kFullTextCosine);
}

double highest_quality(std::span<const double> qualities) {
  double sum = 0;
  for (const double quality : qualities) {
    sum += quality;
  }
  return (sum + static_cast<double>(kAllViews - qualities.size())) / kAllViews;
}

/// The parts with full marks where nothing is known.
Components full_marks(const Glimpse& glimpse) {
  Components parts;
  if (glimpse.has_alignment) {
    parts.alignment = glimpse.of_picture ? 1 : 1 / kFullTextCosine;
  }
  if (glimpse.has_quality) {
    parts.quality = 1;
  }
  parts.ssim = glimpse.ssim.value_or(1);
  if (glimpse.has_lpips) {
    parts.lpips = 1;
  }
  return parts;
}

}  // namespace

double highest_score(const Glimpse& glimpse) {
  Components parts = full_marks(glimpse);
  if (parts.alignment) {
    parts.alignment = highest_alignment(glimpse);
  }
  if (parts.quality) {
    parts.quality = highest_quality(glimpse.qualities);
  }
  return final_score(parts).value.value_or(0);
}

std::optional<double> foretold_score(const Glimpse& glimpse) {
  Components parts;
  if (!glimpse.cosines.empty()) {
    parts.alignment =
        glimpse.of_picture ? image_alignment(glimpse.cosines) : text_alignment(glimpse.cosines);
  }
  if (!glimpse.qualities.empty()) {
    parts.quality = mean_quality(glimpse.qualities);
  }
  return final_score(parts).value;
}

double reach_probability(const Glimpse& glimpse, double floor) {
  Components parts = full_marks(glimpse);
  double error = 0;
  double above_alignment_floor = 1;
  if (!glimpse.cosines.empty()) {
    const Mean alignment = mean_of_views(alignments(glimpse));
    above_alignment_floor = reaches(alignment, kAlignmentFloor);
    // An alignment under its floor is that condition's business alone.
    parts.alignment = std::max(alignment.value, kAlignmentFloor);
    error += kAlignmentWeight * alignment.error;
  }
  if (!glimpse.qualities.empty()) {
    const Mean quality = mean_of_views(glimpse.qualities);
    parts.quality = quality.value;
    error += kQualityWeight * quality.error;
  }
  const Score score = final_score(parts);
  if (!score.value) {
    return 1;
  }
  return std::min(above_alignment_floor, reaches({*score.value, error / score.weight}, floor));
}

std::optional<std::string> reason_to_discard(const Glimpse& glimpse, double floor) {
  constexpr double kRiskOfEach = kDiscardRisk / 2;
  if (!glimpse.has_alignment && !glimpse.has_quality) {
    return std::nullopt;  // there will be no score
  }
  if (const double most = highest_score(glimpse); most < floor) {
    return fmt::format("{:.2f} at most, {:.2f} needed", most, floor);
  }
  const std::optional<double> foretold = foretold_score(glimpse);
  if (glimpse.cosines.size() == kAllViews) {
    return std::nullopt;  // the chances were weighed when a few views were known
  }
  const double chance = foretold ? reach_probability(glimpse, floor) : 1;
  if (chance >= kRiskOfEach) {
    return std::nullopt;
  }
  return fmt::format("{:.2f} foretold, {:.2f} needed, a chance of {:.1g} %", *foretold, floor,
                     100 * chance);
}

}  // namespace lode::score
