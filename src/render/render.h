// Draws a splat: EWA splatting with the semantics of gsplat v1.5.3's classic path.
#pragma once

#include <cstdint>
#include <glm/vec3.hpp>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/thread_pool.h"
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

/// Activated gaussians in memory of the caller; every span has one element a gaussian, `sh_rest`
/// has sh_rest_count(*sh_degree) * 3. See splat::Scene for the meaning of each.
struct SceneView {
  std::span<const glm::vec3> positions, scales;
  std::span<const glm::quat> rotations;
  std::span<const float> opacities;
  std::span<const glm::vec3> colours;
  std::optional<int> sh_degree;
  std::span<const float> sh_rest;

  SceneView() = default;
  SceneView(const splat::Scene& scene);  // NOLINT(google-explicit-constructor): a view of it
  std::size_t size() const { return positions.size(); }
};

/// Derivatives of a loss with respect to a frame, in the frame's layout. Empty spans mean zero.
struct FrameGradient {
  std::span<const float> rgb;     ///< [H, W, 3]
  std::span<const float> alpha;   ///< [H, W]
  std::span<const float> depth;   ///< [H, W], of the alpha-weighted mean as Frame holds it
  bool with_centres_abs = false;  ///< also fill SceneGradient::centres_abs, for a tenth more time
};

/// Derivatives of a loss with respect to the activated parameters, one row a gaussian; zero for
/// gaussians that are not drawn.
struct SceneGradient {
  std::vector<glm::vec3> positions, scales, colours;
  std::vector<glm::quat> rotations;  ///< of the unit quaternion's four numbers, not projected
  std::vector<float> opacities;
  std::vector<float> sh_rest;  ///< empty unless the scene is view-dependent

  /// For densification: the derivative by the centre on the image plane, pixel units. Inria's form
  /// is the length of `centres` times (W, H) / 2; gsplat's absgrad is the length of `centres_abs`,
  /// whose components sum the absolute values of every pixel's share (0 unless asked for).
  std::vector<glm::vec2> centres, centres_abs;
  /// Three standard deviations along the longer axis of the drawn ellipse, pixels; 0 when not
  /// drawn (Inria's radius, before its rounding up).
  std::vector<float> radii;
};

struct DrawOptions {
  glm::vec3 background{1};      ///< white, as the validators'
  bool differentiable = false;  ///< keep what `backward` needs
  /// At most this many (gaussian, tile) entries of 8 bytes are listed at once; a frame with more is
  /// drawn in several goes, and cannot be differentiated. The bound is 512 MB.
  std::size_t max_entries = 64U << 20;
};

/// What one draw did, for benchmarks and tests.
struct DrawStats {
  std::size_t drawn = 0;          ///< gaussians that may reach a pixel
  std::size_t tile_entries = 0;   ///< (gaussian, tile) pairs
  std::size_t blended_pairs = 0;  ///< (gaussian, pixel) pairs that added colour
};

/// Draws frames, one after the other, into memory that it keeps: after the first frame of a size
/// nothing is allocated. Not for use from two threads at once.
class Renderer {
 public:
  /// Works on the threads of `pool`, which must outlive it. The results have the same bytes for
  /// any number of threads; between instruction sets they differ by rounding.
  explicit Renderer(ThreadPool& pool);
  ~Renderer();
  Renderer(Renderer&&) noexcept;
  Renderer& operator=(Renderer&&) noexcept;

  /// Front-to-back alpha blending in order of view-space depth, ties by index. Gaussians with a
  /// parameter that is not finite are skipped. The camera must have pixels, at most 32767 a side.
  /// A `differentiable` frame must stay as it is until backward() has run.
  void draw(const SceneView& scene, const Camera& camera, const DrawOptions& options, Frame& frame);

  /// Derivatives of the frame drawn last, which must have been `differentiable`, by every
  /// parameter of `scene`, which must be the one drawn. Errc::invalid_input, naming the first such
  /// gaussian, when a parameter is not finite; Errc::limit_exceeded above `max_entries`.
  Result<void> backward(const SceneView& scene, const FrameGradient& frame, SceneGradient& out);

  /// Counts of the frame drawn last. The pairs are counted anew by every call, by drawing again.
  DrawStats stats();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Chain rule from activated parameters to the raw ones: fills `raw` (a cloud whose every member
/// holds the derivative by the member of that name) from the gradient by activate(cloud).
void raw_gradient(const splat::GaussianCloud& cloud, const splat::Scene& scene,
                  const SceneGradient& gradient, splat::GaussianCloud& raw);

struct RenderOptions {
  glm::vec3 background{1};  ///< white, as the validators'
  int threads = 1;          ///< the result has the same bytes for any number
};

/// One frame by a renderer of its own.
Frame render(const SceneView& scene, const Camera& camera, const RenderOptions& options = {});

/// Clips to 0..1 and truncates 255 * v to 8 bits, as the validators do.
image::Image to_image(const Frame& frame);

/// RGBA from colour and alpha (straight, un-premultiplied; rendered over black).
image::Image to_cutout(const Frame& frame_over_black);

/// The 16 validator views in a 4x4 sheet, each `size` pixels.
image::Image contact_sheet(const splat::Scene& scene, int size, const RenderOptions& options = {});

/// The validators' 2x2 duel picture: 518-pixel tiles with a 5-pixel black gap, 1041x1041.
image::Image duel_grid(const splat::Scene& scene, const RenderOptions& options = {});

}  // namespace lode::render
