// Surfaces to gaussians: even points on the visible surface of placed parts, lit and sized.
#pragma once

#include <stop_token>
#include <vector>

#include "base/rng.h"
#include "sketch/kit.h"
#include "splat/cloud.h"

namespace lode::sketch {

/// Where an object stands in the scene: scaled per axis, turned around Y, then moved.
struct Placement {
  glm::vec3 scale{1};
  float turn = 0;  ///< radians
  glm::vec3 offset{0};

  glm::vec3 to_world(const glm::vec3& p) const;
  glm::vec3 to_object(const glm::vec3& p) const;
  /// The direction of a surface normal; not normalised by the scale alone, so it is made unit.
  glm::vec3 normal_to_object(const glm::vec3& n) const;
};

/// A part in world space.
struct PlacedPart {
  Solid solid;  ///< in world space
  Paint paint;  ///< patterns read object space
  Placement placement;
  int grain = 1;  ///< longest axis of the part in object space
};

/// The part of an object that stands at this placement.
PlacedPart place(const Part& part, const Placement& placement);

/// A point of a surface.
struct SurfacePoint {
  glm::vec3 position;
  glm::vec3 normal;  ///< unit, outward
  std::size_t part;  ///< index into the parts
  float spacing;     ///< distance to its nearest neighbours, about
};

/// About `count` points (within 10 %) that cover the outer surface of all parts without clumps or
/// gaps: no two closer than the smaller of their spacings, no visible surface farther than about
/// one spacing from a point. Denser where parts are thin or colours change at an edge. No points
/// where one part is inside another. The same for the same parts, count and stream. Ends within
/// milliseconds of a requested stop, with points that mean nothing.
std::vector<SurfacePoint> sample_surface(const std::vector<PlacedPart>& parts, std::size_t count,
                                         const Rng& rng, const std::stop_token& stop = {});

/// One flat gaussian a point, its z axis along the normal, colour lit with the occlusion and
/// shadow that all parts cast. Ends early as sample_surface does.
splat::GaussianCloud shade(const std::vector<PlacedPart>& parts,
                           const std::vector<SurfacePoint>& points,
                           const std::stop_token& stop = {});

}  // namespace lode::sketch
