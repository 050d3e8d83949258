// What the steps of the renderer hand to each other: projection, blending, and both backwards.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "render/render.h"

namespace lode::render {

inline constexpr int kTileSize = 16;
inline constexpr int kTilePixels = kTileSize * kTileSize;
/// A tile is blended in blocks of 4x4 pixels: one AVX-512 register. Block-major, row-major inside.
inline constexpr int kBlockSize = 4;
inline constexpr int kBlockPixels = kBlockSize * kBlockSize;
inline constexpr int kTileBlocks = kTilePixels / kBlockPixels;

/// A splat weaker than this in a pixel is not drawn there.
inline constexpr float kMinAlpha = 1.0F / 255.0F;
inline constexpr float kLog2MinAlpha = -7.99435344F;
inline constexpr float kMaxAlpha = 0.999F;
/// A pixel is finished by the splat that would leave it this transmittance or less.
inline constexpr float kMinTransmittance = 1e-4F;
/// Added to the diagonal of every projected covariance, in square pixels: no splat is thinner
/// than a pixel's footprint.
inline constexpr float kBlur = 0.3F;
inline constexpr float kLog2E = 1.44269504F;

/// A gaussian on the image plane, in one cache line. With d = centre - pixel centre,
///
///     alpha = 2^(log_opacity - p (dx - shear dy)^2 - q dy^2)
///
/// which is gsplat's opacity exp(-sigma) with the square completed: it cannot come out above the
/// opacity, and nothing cancels for long thin splats. p and q are in units of ln 2 per square
/// pixel.
struct alignas(64) Splat {
  float x, y;  // centre, pixels
  float shear, p, q;
  float log_opacity;  // base 2
  float lean;         // where along a vertical line, dy = lean dx, the splat is strongest
  float red, green, blue;
  float depth;  // view-space z
  // Tiles it can reach, end exclusive.
  std::uint16_t x_begin, x_end, y_begin, y_end;
  std::uint32_t gaussian;  // index in the scene

  std::size_t tiles() const {
    return static_cast<std::size_t>(x_end - x_begin) * (y_end - y_begin);
  }
};
static_assert(sizeof(Splat) == 64);

/// A camera with what projection needs of it worked out.
struct View {
  explicit View(const Camera& camera);

  float rotation[3][3];  // rows
  float translation[3];
  float fx, fy, cx, cy, near_plane, far_plane;
  // The direction of the linearisation point is clamped to 0.15 of the field of view beyond the
  // image's border: x/z within [-low_x, high_x].
  float low_x, high_x, low_y, high_y;
  int width, height;
  int columns, rows;  // of tiles

  std::size_t tiles() const { return static_cast<std::size_t>(columns) * rows; }
};

/// One slice of the scene and where its projection goes.
struct ProjectJob {
  const SceneView* scene = nullptr;
  const glm::vec3* colours = nullptr;  // as this camera sees them
  const View* view = nullptr;
  std::size_t begin = 0, end = 0;  // gaussians
  Splat* splats = nullptr;         // room for all of them; the drawn ones are written, in order
  std::uint32_t* tile_counts = nullptr;  // [tiles], added to
  std::size_t n_drawn = 0;               // out
  std::size_t first_bad = SIZE_MAX;      // out: the first gaussian with a non-finite parameter
};
void project(ProjectJob& job);

/// Orders by view-space depth, ties by place in the scene: the bits of the depth, which order like
/// the number because it is positive, above the splat's place in the array of splats.
inline std::uint64_t sort_key(const Splat& splat, std::size_t place) {
  return std::uint64_t{std::bit_cast<std::uint32_t>(splat.depth)} << 32 | place;
}

/// What blending leaves for the backward pass, one tile's part. Pixels are block-major.
struct TileTrace {
  float* transmittance = nullptr;   // [256], what is left of the background
  std::int32_t* last = nullptr;     // [256], one past the place of the last splat that added colour
  std::uint16_t* blocks = nullptr;  // [keys], the blocks each splat may reach, 0 when none
};

/// One tile to blend.
struct TileJob {
  const Splat* splats = nullptr;
  const std::uint64_t* keys = nullptr;  // sorted
  std::size_t n_keys = 0;
  int left = 0, top = 0;  // its first pixel
  glm::vec3 background{0};
  Frame* frame = nullptr;
  TileTrace trace;                 // empty unless the frame is to be differentiable
  std::size_t* n_pairs = nullptr;  // counts blended pairs; may be null
};
void blend(const TileJob& job);

/// What blending backwards sums for a splat over the pixels of a tile. With h = dL/dalpha alpha,
/// bent = dx - shear dy:
enum SplatSum : int {
  kByLogAlpha,  // h
  kBent,        // h bent
  kDy,          // h dy
  kBentBent,    // h bent^2
  kBentDy,      // h bent dy
  kDyDy,        // h dy^2
  kRed,         // dL/dred of the pixel * weight, and so on
  kGreen,
  kBlue,
  kDepth,
  kAbsX,  // |dL/dx| / (2 ln 2)
  kAbsY,
  kSplatSums
};

/// One tile to walk backwards.
struct TileBackwardJob {
  const Splat* splats = nullptr;
  const std::uint64_t* keys = nullptr;  // sorted
  std::size_t n_keys = 0;
  int left = 0, top = 0;  // its first pixel
  glm::vec3 background{0};
  const Frame* frame = nullptr;
  const FrameGradient* by_frame = nullptr;
  bool with_abs = false;  // kAbsX and kAbsY are wanted
  TileTrace trace;
  // A splat owns one row of `sums` for each tile of its rectangle, from `first_entries` on.
  const std::size_t* first_entries = nullptr;  // [splats]
  float* sums = nullptr;                       // [entries, kSplatSums], written
};
void blend_backward(const TileBackwardJob& job);

/// The way back through the projection of one slice.
struct ProjectBackwardJob {
  const SceneView* scene = nullptr;
  const glm::vec3* colours = nullptr;  // as this camera sees them
  const View* view = nullptr;
  std::size_t begin = 0, end = 0;  // gaussians
  const Splat* splats = nullptr;   // the slice's drawn ones
  std::size_t n_drawn = 0;
  const std::size_t* first_entries = nullptr;  // of the slice's splats
  const float* sums = nullptr;                 // [entries, kSplatSums]
  SceneGradient* out = nullptr;                // rows begin..end-1 are written; `colours` as seen
};
void project_backward(const ProjectBackwardJob& job);

}  // namespace lode::render
