#include "sketch/point_thinning.h"

#include <algorithm>
#include <cmath>
#include <glm/geometric.hpp>
#include <glm/vec3.hpp>

#include "sketch/neighbour_grid.h"

namespace lode::sketch {
namespace {

using glm::vec3;

bool has_room(const NeighbourGrid& grid, const SurfacePoint& point) {
  return !grid.any_near(point.position, point.spacing, [&point](const SurfacePoint& other) {
    const vec3 gap = other.position - point.position;
    const float room = std::min(point.spacing, other.spacing);
    // The two faces of a thin wall do not crowd each other.
    return glm::dot(gap, gap) < room * room && glm::dot(point.normal, other.normal) > -0.2F;
  });
}

}  // namespace

std::vector<SurfacePoint> thin_out(std::vector<Candidate> candidates, std::size_t count, Rng rng) {
  for (std::size_t i = candidates.size(); i > 1; --i) {
    std::swap(candidates[i - 1], candidates[rng.below(i)]);
  }
  float weighted_area = 0;
  for (const Candidate& candidate : candidates) {
    weighted_area += candidate.area / (candidate.point.spacing * candidate.point.spacing);
  }
  const auto wanted = static_cast<float>(count);
  float widest = std::sqrt(kPackingDensity * weighted_area / wanted);
  std::vector<SurfacePoint> kept;
  constexpr int kMostRounds = 4;
  for (int round = 0; round < kMostRounds; ++round) {
    NeighbourGrid grid(widest, count);
    for (const Candidate& candidate : candidates) {
      SurfacePoint point = candidate.point;
      point.spacing *= widest;
      if (has_room(grid, point)) {
        grid.add(point);
      }
    }
    kept = grid.take();
    const float ratio = static_cast<float>(kept.size()) / wanted;
    if (kept.empty() || std::abs(ratio - 1) < 0.05F) {
      break;
    }
    widest *= std::sqrt(ratio);
  }
  return kept;
}

}  // namespace lode::sketch
