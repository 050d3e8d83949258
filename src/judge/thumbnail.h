// Small, quick views of a splat for comparing shapes; for pictures there is render/render.h.
#pragma once

#include <array>
#include <vector>

#include "judge/view.h"
#include "render/camera.h"
#include "splat/cloud.h"

namespace lode::judge {

/// Draws one scene from many sides. The same EWA splatting as render::render(), front to back, with
/// what a thumbnail does not need left out: depth is sorted in 4096 steps, exp() comes from a
/// table, no tiles, and scenes above 40,000 gaussians are thinned (every k-th, enlarged by
/// sqrt(k)).
class ThumbnailPainter {
 public:
  explicit ThumbnailPainter(const splat::Scene& scene);

  /// The view over black.
  Cutout draw(const render::Camera& camera) const;

 private:
  struct Gaussian {
    glm::vec3 position;
    std::array<float, 6> covariance;  // xx, xy, xz, yy, yz, zz
    glm::vec3 colour;
    float opacity = 0;
  };
  std::vector<Gaussian> gaussians_;
};

}  // namespace lode::judge
