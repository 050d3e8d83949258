// Surface points in a hashed grid of cubes, to find the ones nearby.
#pragma once

#include <cmath>
#include <cstdint>
#include <glm/common.hpp>
#include <glm/vec3.hpp>
#include <vector>

#include "sketch/sampler.h"

namespace lode::sketch {

class NeighbourGrid {
 public:
  /// `cell` is the side of the cubes, best about the search radius; `expected` how many points
  /// will be added.
  NeighbourGrid(float cell, std::size_t expected) : cell_(cell) {
    std::size_t slots = 1024;
    while (slots < 2 * expected) {
      slots *= 2;
    }
    heads_.assign(slots, -1);
  }

  void add(const SurfacePoint& point) {
    std::int32_t& head = heads_[slot(cube(point.position))];
    next_.push_back(head);
    head = static_cast<std::int32_t>(points_.size());
    points_.push_back(point);
  }

  /// Calls `visit(other)` for the points in the cubes that the ball touches, some of them outside
  /// the ball, until it returns true; whether it did.
  template <class Visit>
  bool any_near(const glm::vec3& centre, float radius, const Visit& visit) const {
    const glm::ivec3 low = cube(centre - radius), high = cube(centre + radius);
    for (int x = low.x; x <= high.x; ++x) {
      for (int y = low.y; y <= high.y; ++y) {
        for (int z = low.z; z <= high.z; ++z) {
          for (std::int32_t i = heads_[slot({x, y, z})]; i >= 0; i = next_[at(i)]) {
            if (visit(points_[at(i)])) {
              return true;
            }
          }
        }
      }
    }
    return false;
  }

  const std::vector<SurfacePoint>& points() const { return points_; }
  std::vector<SurfacePoint> take() { return std::move(points_); }

 private:
  static std::size_t at(std::int32_t index) { return static_cast<std::size_t>(index); }
  glm::ivec3 cube(const glm::vec3& p) const { return glm::ivec3(glm::floor(p / cell_)); }
  std::size_t slot(const glm::ivec3& cell) const {
    const std::uint32_t hash = static_cast<std::uint32_t>(cell.x) * 73856093U ^
                               static_cast<std::uint32_t>(cell.y) * 19349663U ^
                               static_cast<std::uint32_t>(cell.z) * 83492791U;
    return (hash ^ hash >> 13) & (heads_.size() - 1);
  }

  float cell_;
  std::vector<std::int32_t> heads_;  ///< per slot the newest point, -1 for none
  std::vector<std::int32_t> next_;   ///< per point the one before it in its slot
  std::vector<SurfacePoint> points_;
};

}  // namespace lode::sketch
