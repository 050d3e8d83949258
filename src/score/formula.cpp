// Means, sigmoids and the weighted sum.
#include "score/formula.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "score/outliers.h"

namespace lode::score {
namespace {

constexpr double kSsimSlope = 35, kSsimCentre = 0.83;
constexpr double kLpipsSlope = 30, kLpipsCentre = 0.7;

}  // namespace

double geometric_mean(std::span<const double> values) {
  if (values.empty()) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  double sum = 0;
  for (const double value : values) {
    sum += std::log(value);
  }
  return std::exp(sum / static_cast<double>(values.size()));
}

double sigmoid(double x, double slope, double centre) {
  return 1 / (1 + std::exp(-slope * (x - centre)));
}

double text_alignment(std::span<const double> cosines) {
  std::vector<double> kept = without_outliers(cosines);
  for (double& cosine : kept) {
    cosine = std::clamp(cosine, 0.0, 1.0);
  }
  return geometric_mean(kept) / kFullTextCosine;
}

double image_alignment(std::span<const double> cosines) {
  return geometric_mean(without_outliers(cosines));
}

double mean_quality(std::span<const double> qualities) {
  double sum = 0;
  for (const double quality : qualities) {
    sum += quality;
  }
  return sum / static_cast<double>(qualities.size());
}

double pairwise_ssim(std::span<const double> similarities) {
  return geometric_mean(without_outliers(similarities));
}

double pairwise_lpips(std::span<const double> distances) {
  return 1 - geometric_mean(without_outliers(distances));
}

Score final_score(const Components& components) {
  Score score;
  const auto add = [&score](double& term, double weight, double share) {
    term = weight * share;
    score.weight += weight;
    ++score.judged;
  };
  if (components.quality) {
    add(score.quality_term, kQualityWeight, *components.quality);
  }
  if (components.alignment) {
    add(score.alignment_term, kAlignmentWeight, *components.alignment);
    score.is_below_floor = *components.alignment < kAlignmentFloor;
  }
  if (components.ssim) {
    add(score.ssim_term, kSsimWeight, sigmoid(*components.ssim, kSsimSlope, kSsimCentre));
  }
  if (components.lpips) {
    add(score.lpips_term, kLpipsWeight,
        *components.lpips * sigmoid(*components.lpips, kLpipsSlope, kLpipsCentre));
  }
  if (score.judged == 0) {
    return score;
  }
  const double sum = score.quality_term + score.alignment_term + score.ssim_term + score.lpips_term;
  const bool scores_nothing = score.is_below_floor || std::isnan(sum);
  score.value = scores_nothing ? 0 : (score.is_complete() ? sum : sum / score.weight);
  return score;
}

std::vector<std::string> absent_parts(const Components& components) {
  std::vector<std::string> names;
  const auto note = [&names](const std::optional<double>& part, const char* name) {
    if (!part) {
      names.emplace_back(name);
    }
  };
  note(components.quality, "quality");
  note(components.alignment, "alignment");
  note(components.ssim, "ssim");
  note(components.lpips, "lpips");
  return names;
}

}  // namespace lode::score
