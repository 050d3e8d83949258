// From the values of a model's views to the score a validator returns.
//
// Source: 404-Repo/three-gen-subnet, validation/engine (validation_engine.py, metrics/).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lode::score {

/// Weights of the four parts, and below which alignment a model scores 0.
inline constexpr double kQualityWeight = 0.75;
inline constexpr double kAlignmentWeight = 0.2;
inline constexpr double kSsimWeight = 0.025;
inline constexpr double kLpipsWeight = 0.025;
inline constexpr double kAlignmentFloor = 0.3;
/// The text tower's cosine that counts as a full alignment of 1.
inline constexpr double kFullTextCosine = 0.35;

/// exp(mean(ln x)): 0 when a value is 0 and none is negative, NaN when one is negative or there are
/// none.
double geometric_mean(std::span<const double> values);

/// 1 / (1 + exp(-slope (x - centre)))
double sigmoid(double x, double slope, double centre);

/// Alignment with a prompt of the cosines (one a view): outliers dropped, cut to 0..1, geometric
/// mean, divided by 0.35, so that it may exceed 1.
double text_alignment(std::span<const double> cosines);

/// Alignment with a picture: outliers dropped, geometric mean as it is. NaN when a negative cosine
/// stays, as in the engine.
double image_alignment(std::span<const double> cosines);

/// Quality of the views' qualities (each 0..1): their plain mean, nothing dropped.
double mean_quality(std::span<const double> qualities);

/// SSIM of the pairs of neighbours: outliers dropped, geometric mean.
double pairwise_ssim(std::span<const double> similarities);

/// LPIPS of the pairs' distances: outliers dropped, 1 - geometric mean, so that more is better.
double pairwise_lpips(std::span<const double> distances);

/// The parts of a score as a validator reports them; what could not be judged is absent.
struct Components {
  std::optional<double> quality;    ///< "iqa", 0..1
  std::optional<double> alignment;  ///< 0..1/0.35 for a prompt, -1..1 for a picture
  std::optional<double> ssim;       ///< -1..1
  std::optional<double> lpips;      ///< 1 - distance, at most 1
};

/// A score and what went into it. A term is the part's share of `value` before the division by the
/// weights judged; 0 where the part is absent.
struct Score {
  /// What a validator would return; absent when no part was judged. With all four parts it is the
  /// engine's number, not clamped. With some absent it is the sum of the others' terms divided by
  /// the sum of their weights: what the model would get if the absent parts were as good as
  /// the present ones. 0 where the engine's would be NaN, since no validator accepts that.
  std::optional<double> value;
  double quality_term = 0;      ///< 0.75 quality
  double alignment_term = 0;    ///< 0.2 alignment
  double ssim_term = 0;         ///< 0.025 sigmoid(ssim; 35, 0.83)
  double lpips_term = 0;        ///< 0.025 lpips sigmoid(lpips; 30, 0.7)
  double weight = 0;            ///< of the parts judged, 1 for all
  bool is_below_floor = false;  ///< alignment under 0.3, which makes the value 0

  /// All four parts were judged.
  bool is_complete() const { return judged == 4; }
  int judged = 0;  ///< number of parts present
};

Score final_score(const Components& components);

/// Names of the absent parts, in the order of Components; empty when all are judged.
std::vector<std::string> absent_parts(const Components& components);

}  // namespace lode::score
