// The two halves of the renderer: projection of gaussians to the image plane, and blending of the
// projected ones into one tile.
#pragma once

#include <cstdint>
#include <glm/vec2.hpp>
#include <span>
#include <vector>

#include "render/render.h"

namespace lode::render {

inline constexpr int kTileSize = 16;
inline constexpr int kTilePixels = kTileSize * kTileSize;
/// A splat weaker than this in a pixel is not drawn there.
inline constexpr float kMinAlpha = 1.0F / 255.0F;

/// A gaussian on the image plane, in one cache line.
struct alignas(64) Splat {
  glm::vec2 centre;           // pixels
  float a = 0, b = 0, c = 0;  // the conic: sigma = (a dx^2 + c dy^2) / 2 + b dx dy
  float opacity = 0;
  glm::vec3 colour;
  float depth = 0;  // view-space z
  // Pixels it can reach, begin inclusive, end exclusive, within the image; empty when not drawn.
  int x_begin = 0, x_end = 0, y_begin = 0, y_end = 0;

  bool is_drawn() const { return x_begin < x_end && y_begin < y_end; }
};

/// Projects gaussian `index`; not drawn when culled or when a parameter is not finite.
Splat project(const splat::Scene& scene, std::size_t index, const Camera& camera);

/// Accumulators of one tile, pixels row-major.
struct alignas(64) Tile {
  // Transmittance; negated once the pixel is finished, so that one comparison masks it out.
  float transmittance[kTilePixels];
  float red[kTilePixels], green[kTilePixels], blue[kTilePixels];
  float depth[kTilePixels];  // sum of weight * z
};

/// Blends the splats that `order` names, front to back, into the tile whose first pixel is
/// (left, top). Uses the widest vectors the machine has.
void blend(std::span<const Splat> splats, std::span<const std::uint32_t> order, int left, int top,
           Tile& tile);

/// The same, byte for byte, with the vectors every machine has.
void blend_baseline(std::span<const Splat> splats, std::span<const std::uint32_t> order, int left,
                    int top, Tile& tile);

}  // namespace lode::render
