// Draws a splat: EWA splatting with the semantics of gsplat v1.5.3's classic path.
#pragma once

#include <glm/vec3.hpp>
#include <vector>

#include "image/image.h"
#include "render/camera.h"
#include "splat/cloud.h"

namespace lode::render {

/// What a camera sees, rows top to bottom.
struct Frame {
  int width = 0, height = 0;
  std::vector<float> rgb;    ///< [H, W, 3], background included, not clamped
  std::vector<float> alpha;  ///< [H, W], 1 - transmittance
  std::vector<float> depth;  ///< [H, W], alpha-weighted mean of view-space z; 0 where alpha is 0
};

struct RenderOptions {
  glm::vec3 background{1};  ///< white, as the validators'
  int threads = 1;          ///< the result has the same bytes for any number
};

/// Front-to-back alpha blending in order of view-space depth, ties by index. Gaussians with a
/// non-finite parameter are skipped.
Frame render(const splat::Scene& scene, const Camera& camera, const RenderOptions& options = {});

/// Clips to 0..1 and truncates 255 * v to 8 bits, as the validators do.
image::Image to_image(const Frame& frame);

/// RGBA from colour and alpha (straight, un-premultiplied; rendered over black).
image::Image to_cutout(const Frame& frame_over_black);

/// The 16 validator views in a 4x4 sheet, each `size` pixels.
image::Image contact_sheet(const splat::Scene& scene, int size, const RenderOptions& options = {});

/// The validators' 2x2 duel picture: 518-pixel tiles with a 5-pixel black gap, 1041x1041.
image::Image duel_grid(const splat::Scene& scene, const RenderOptions& options = {});

}  // namespace lode::render
