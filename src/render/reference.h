// The renderer's definition in plain code: double precision, one pixel and one gaussian after the
// other, without tiles, boxes, batches or vectors. What render.h is tested against.
#pragma once

#include <cstddef>
#include <glm/vec3.hpp>
#include <span>
#include <vector>

#include "render/render.h"

namespace lode::render {

/// A scene seen by a camera, ready to answer for single pixels.
class Reference {
 public:
  struct Pixel {
    glm::dvec3 rgb{0};  ///< background included
    double alpha = 0;
    double depth = 0;  ///< alpha-weighted mean of view-space z; 0 where alpha is 0
  };

  Reference(const SceneView& scene, const Camera& camera);

  Pixel pixel(int x, int y, const glm::dvec3& background) const;

  /// The gaussians that add colour to a pixel, front to back.
  std::vector<std::size_t> contributors(int x, int y) const;

  /// Blends just these, whatever the thresholds would say: the smooth function that `pixel` is
  /// between its discontinuities, for finite differences.
  Pixel blend(std::span<const std::size_t> gaussians, int x, int y,
              const glm::dvec3& background) const;

  /// How near this pixel is to a discontinuity: the least relative distance of any alpha to 1/255
  /// or the cap, and of any transmittance to 1e-4.
  double margin(int x, int y) const;

 private:
  struct Projected {
    double z = 0, x = 0, y = 0;  // depth, centre
    double a = 0, b = 0, c = 0;  // conic
    double opacity = 0;          // 0 when not drawn
    glm::dvec3 colour{0};
  };
  void project(const SceneView& scene, const Camera& camera, std::size_t i);
  double alpha(const Projected& g, int x, int y) const;

  std::vector<Projected> gaussians_;  // by index in the scene
  std::vector<std::size_t> order_;    // drawn ones, front to back
};

}  // namespace lode::render
