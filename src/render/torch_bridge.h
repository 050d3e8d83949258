// Draws gaussians that are held in libtorch tensors, with derivatives through autograd.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "base/result.h"
#include "render/camera.h"

namespace lode::render {

/// The raw parameters that splat::GaussianCloud describes, as an optimiser holds them. All are
/// float32, contiguous and on the CPU.
struct GaussianTensors {
  at::Tensor means;           ///< [N, 3]
  at::Tensor quats;           ///< [N, 4] as w, x, y, z; need not be normalised, but not zero
  at::Tensor log_scales;      ///< [N, 3]
  at::Tensor opacity_logits;  ///< [N]; may be infinite, as SPZ files have it, without derivative
  at::Tensor f_dc;            ///< [N, 3]
  /// [N, K, 3] with K = 0, 3, 8 or 15 for degree 0..3: colours depend on the direction of view and
  /// are clamped at 0. Undefined: `f_dc` is what every camera sees, unclamped.
  at::Tensor sh_rest;
};

/// What densification wants to know of a frame, per gaussian: SceneGradient's members of the same
/// name. Undefined tensors until the frame's backward pass has run; a second one overwrites them.
struct ScreenStatistics {
  at::Tensor centres;      ///< [N, 2], derivative by the centre on the image plane, pixels
  at::Tensor centres_abs;  ///< [N, 2], the same with every pixel's share taken absolutely
  at::Tensor radii;        ///< [N], three standard deviations, pixels; 0 when not drawn
};

/// A drawn frame, float32 on the CPU.
struct TorchFrame {
  at::Tensor rgb;    ///< [H, W, 3], background included, not clamped
  at::Tensor alpha;  ///< [H, W], 1 - transmittance
  at::Tensor depth;  ///< [H, W], alpha-weighted mean of view-space z; 0 where alpha is 0
  /// Filled when autograd passes backward through this frame.
  std::shared_ptr<const ScreenStatistics> screen;
};

/// Draws frames that autograd can differentiate by every parameter and by the background. A frame
/// keeps copies of what its derivative needs, so that parameters may change before the backward
/// pass and several frames may be drawn before one; frames may outlive the renderer. First
/// derivatives only: a backward pass with create_graph throws c10::Error. Not for use from two
/// threads at once.
class TorchRenderer {
 public:
  explicit TorchRenderer(int threads);

  /// `background` is [3], float32. Errc::invalid_input names the tensor that has the wrong dtype,
  /// device, layout or shape, or the first gaussian with a parameter that is not finite (or a zero
  /// quaternion), or a camera without pixels or with more than 32767 a side.
  Result<TorchFrame> draw(const GaussianTensors& gaussians, const Camera& camera,
                          const at::Tensor& background);

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace lode::render
