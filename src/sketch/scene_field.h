// All parts of a scene as one distance field, for what is hidden, occluded and in shadow.
#pragma once

#include <cstdint>
#include <glm/vec3.hpp>
#include <vector>

#include "sketch/paint.h"
#include "sketch/sdf.h"

namespace lode::sketch {

struct PlacedPart;

/// The union of placed parts. A coarse grid lists which parts can matter where, so a look-up costs
/// the few parts nearby, not all. Keeps a reference to the parts.
class SceneField {
 public:
  /// Distances are exact up to `reach`; beyond it they are only known to be larger.
  SceneField(const std::vector<PlacedPart>& parts, float reach);

  /// Distance to the nearest part, at most the reach.
  float distance(const glm::vec3& p) const;
  /// Whether a surface point of part `self` cannot be seen at the scale of `spacing`: inside
  /// another part, or pressed against one.
  bool is_hidden(const glm::vec3& p, const glm::vec3& normal, std::size_t self,
                 float spacing) const;
  /// The light that reaches a surface point: occlusion of the surroundings from the field along
  /// the normal, a soft shadow by marching towards the key light.
  Exposure exposure(const glm::vec3& p, const glm::vec3& normal) const;
  /// The longest side of the bounds of all parts.
  float extent() const;

 private:
  bool is_inside_other(const glm::vec3& p, std::size_t self, float depth) const;
  const std::vector<std::uint32_t>* parts_near(const glm::vec3& p) const;
  float shadow(const glm::vec3& p, const glm::vec3& normal) const;

  const std::vector<PlacedPart>& parts_;
  float reach_;
  Box bounds_;
  glm::vec3 cell_{1};
  std::vector<std::vector<std::uint32_t>> cells_;
};

}  // namespace lode::sketch
