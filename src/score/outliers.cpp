// Distances to the fifth neighbour and their 90th percentile.
#include "score/outliers.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace lode::score {
namespace {

constexpr std::size_t kNeighbours = 5;
constexpr double kQuantile = 0.9;  // 1 - contamination

double oddness(std::span<const double> values, double value) {
  std::vector<double> distances;
  for (const double other : values) {
    distances.push_back(std::abs(value - other));
  }
  // The value itself is among them, at distance 0.
  const std::size_t rank = std::min(kNeighbours, distances.size() - 1);
  std::nth_element(distances.begin(), distances.begin() + static_cast<std::ptrdiff_t>(rank),
                   distances.end());
  return distances[rank];
}

/// numpy.percentile's default: linear between the two ranks next to q * (n - 1).
double percentile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  const double position = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (position - static_cast<double>(below)) * (values[above] - values[below]);
}

}  // namespace

std::vector<bool> find_inliers(std::span<const double> values) {
  std::vector<bool> stays(values.size(), true);
  if (values.empty() ||
      std::any_of(values.begin(), values.end(), [](double v) { return std::isnan(v); })) {
    return stays;
  }
  std::vector<double> oddnesses;
  for (const double value : values) {
    oddnesses.push_back(oddness(values, value));
  }
  const double threshold = percentile(oddnesses, kQuantile);
  std::transform(oddnesses.begin(), oddnesses.end(), stays.begin(),
                 [threshold](double odd) { return odd <= threshold; });
  return stays;
}

std::vector<double> without_outliers(std::span<const double> values) {
  const std::vector<bool> stays = find_inliers(values);
  std::vector<double> kept;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (stays[i] && values[i] != -1) {
      kept.push_back(values[i]);
    }
  }
  return kept;
}

}  // namespace lode::score
