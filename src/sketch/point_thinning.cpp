#include "sketch/point_thinning.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <glm/common.hpp>
#include <glm/geometric.hpp>
#include <glm/vec3.hpp>

namespace lode::sketch {
namespace {

using glm::vec3;

/// Accepted points in a hashed grid of cubes, as chains of indices.
class NeighbourGrid {
 public:
  NeighbourGrid(float cell, std::size_t expected) : cell_(cell) {
    std::size_t slots = 1024;
    while (slots < 2 * expected) {
      slots *= 2;
    }
    heads_.assign(slots, -1);
  }

  void add(const SurfacePoint& point) {
    std::int32_t& head = heads_[slot(glm::ivec3(glm::floor(point.position / cell_)))];
    next_.push_back(head);
    head = static_cast<std::int32_t>(points_.size());
    points_.push_back(point);
  }

  bool has_room(const SurfacePoint& point) const {
    const glm::ivec3 low(glm::floor((point.position - point.spacing) / cell_));
    const glm::ivec3 high(glm::floor((point.position + point.spacing) / cell_));
    for (int x = low.x; x <= high.x; ++x) {
      for (int y = low.y; y <= high.y; ++y) {
        for (int z = low.z; z <= high.z; ++z) {
          if (is_crowded(point, slot({x, y, z}))) {
            return false;
          }
        }
      }
    }
    return true;
  }

  std::vector<SurfacePoint> take() { return std::move(points_); }
  std::size_t size() const { return points_.size(); }

 private:
  std::size_t slot(const glm::ivec3& cell) const {
    const std::uint32_t hash = static_cast<std::uint32_t>(cell.x) * 73856093U ^
                               static_cast<std::uint32_t>(cell.y) * 19349663U ^
                               static_cast<std::uint32_t>(cell.z) * 83492791U;
    return (hash ^ hash >> 13) & (heads_.size() - 1);
  }

  bool is_crowded(const SurfacePoint& point, std::size_t at) const {
    for (std::int32_t i = heads_[at]; i >= 0; i = next_[static_cast<std::size_t>(i)]) {
      const SurfacePoint& other = points_[static_cast<std::size_t>(i)];
      const vec3 gap = other.position - point.position;
      const float room = std::min(point.spacing, other.spacing);
      // The two faces of a thin wall do not crowd each other.
      if (glm::dot(gap, gap) < room * room && glm::dot(point.normal, other.normal) > -0.2F) {
        return true;
      }
    }
    return false;
  }

  float cell_;
  std::vector<std::int32_t> heads_;
  std::vector<std::int32_t> next_;
  std::vector<SurfacePoint> points_;
};

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
      if (grid.has_room(point)) {
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
