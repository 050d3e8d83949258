#include "sketch/scene_field.h"

#include <algorithm>
#include <cmath>
#include <glm/common.hpp>
#include <glm/geometric.hpp>

#include "base/assert.h"
#include "sketch/sampler.h"

namespace lode::sketch {
namespace {

using glm::vec3;

constexpr int kCells = 20;  ///< a side of the grid

float box_gap(const Box& a, const Box& b) {
  const vec3 gap = glm::max(glm::max(a.min - b.max, b.min - a.max), vec3(0));
  return std::sqrt(glm::dot(gap, gap));
}

}  // namespace

SceneField::SceneField(const std::vector<PlacedPart>& parts, float reach)
    : parts_(parts), reach_(reach) {
  LODE_ASSERT(!parts.empty(), "a scene field needs parts");
  bounds_ = parts.front().solid.bounds();
  for (const PlacedPart& part : parts) {
    bounds_ = enclose(bounds_, part.solid.bounds());
  }
  bounds_ = bounds_.grown(reach + 1e-3F);
  cell_ = bounds_.size() / static_cast<float>(kCells);
  cells_.resize(static_cast<std::size_t>(kCells) * kCells * kCells);
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    const auto index = static_cast<int>(i);
    const vec3 corner = bounds_.min + cell_ * vec3(index % kCells, index / kCells % kCells,
                                                   index / (kCells * kCells));
    const Box cell{corner, corner + cell_};
    for (std::size_t part = 0; part < parts.size(); ++part) {
      if (box_gap(cell, parts[part].solid.bounds()) <= reach) {
        cells_[i].push_back(static_cast<std::uint32_t>(part));
      }
    }
  }
}

float SceneField::extent() const {
  const vec3 size = bounds_.size() - 2 * (reach_ + 1e-3F);
  return std::max({size.x, size.y, size.z});
}

const std::vector<std::uint32_t>* SceneField::parts_near(const vec3& p) const {
  const glm::ivec3 at(glm::floor((p - bounds_.min) / cell_));
  const bool is_outside =
      at.x < 0 || at.y < 0 || at.z < 0 || at.x >= kCells || at.y >= kCells || at.z >= kCells;
  return is_outside ? nullptr
                    : &cells_[static_cast<std::size_t>((at.z * kCells + at.y) * kCells + at.x)];
}

float SceneField::distance(const vec3& p) const {
  float least = reach_;
  if (const auto* near = parts_near(p)) {
    for (const std::uint32_t index : *near) {
      const Solid& solid = parts_[index].solid;
      if (const float far = solid.bounds().distance(p); far < least || far <= 0) {
        least = std::min(least, solid(p));
      }
    }
  }
  return least;
}

bool SceneField::is_inside_other(const vec3& p, std::size_t self, float depth) const {
  const auto* near = parts_near(p);
  // What is clear hides nothing but what is as clear itself.
  const float own = opacity(parts_[self].paint.finish);
  return near != nullptr && std::ranges::any_of(*near, [&](std::uint32_t index) {
           const Solid& solid = parts_[index].solid;
           return index != self && opacity(parts_[index].paint.finish) >= own &&
                  solid.bounds().distance(p) <= std::max(-depth, 0.0F) && solid(p) < -depth;
         });
}

bool SceneField::is_hidden(const vec3& p, const vec3& normal, std::size_t self,
                           float spacing) const {
  // One spacing out of a free surface the field has grown by a spacing; in a slit it has not.
  return is_inside_other(p, self, 0.15F * spacing) ||
         is_inside_other(p + normal * spacing, self, -0.2F * spacing);
}

Exposure SceneField::exposure(const vec3& p, const vec3& normal) const {
  constexpr int kTaps = 5;
  float occlusion = 0, weight = 1, total = 0;
  for (int i = 1; i <= kTaps; ++i) {
    const float h = reach_ * static_cast<float>(i * i) / (kTaps * kTaps);
    occlusion += weight * std::max(0.0F, h - distance(p + normal * h)) / h;
    total += weight;
    weight *= 0.85F;
  }
  // Full occlusion of the taps is a tight crevice, which still gets some bounced light.
  const float ambient = 1 - 0.85F * occlusion / total;
  constexpr float kShadowed = 0.35F;
  return {ambient, kShadowed + (1 - kShadowed) * shadow(p, normal)};
}

float SceneField::shadow(const vec3& p, const vec3& normal) const {
  constexpr int kSteps = 16;
  constexpr float kHardness = 7;
  const vec3 towards = key_light();
  if (glm::dot(normal, towards) < -0.1F) {
    return 1;  // faces away: the cosine already leaves it dark
  }
  const vec3 start = p + normal * (0.12F * reach_);
  float lit_share = 1, t = 0.10F * reach_;
  for (int i = 0; i < kSteps && lit_share > 0.02F; ++i) {
    const float d = distance(start + towards * t);
    if (d < reach_) {  // at the reach the distance is only known to be larger
      lit_share = std::min(lit_share, std::max(0.0F, kHardness * d / t));
    }
    t += std::clamp(d, 0.12F * reach_, reach_);
  }
  return lit_share;
}

}  // namespace lode::sketch
