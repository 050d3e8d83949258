// How far a drawn frame is from its target: L1, structural similarity and alpha, with gradient.
#pragma once

#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "render/render.h"

namespace lode::fit {

/// What a frame should look like, in the layout of render::Frame.
struct Target {
  std::span<const float> rgb;    ///< [H, W, 3], over the background that the frame was drawn over
  std::span<const float> alpha;  ///< [H, W], or empty when the picture has none
};

struct LossWeights {
  /// Share of 1 - SSIM; L1 has the rest. 0.2 is lambda_dssim of 3DGS (Kerbl et al. 2023).
  float ssim = 0.2F;
  /// Weight of the mean absolute error of alpha, beside the other two. Ignored without a target.
  float alpha = 0.0F;
};

struct LossValue {
  double total = 0;
  double l1 = 0;           ///< mean absolute error of all colour values
  double ssim = 1;         ///< mean SSIM of the three channels, at most 1
  double alpha = 0;        ///< mean absolute error of alpha
  double mean_square = 0;  ///< mean squared error of all colour values
};

/// Measures frames one after the other, in memory that it keeps. SSIM is that of 3DGS' trainer:
/// 11x11 Gaussian window of sigma 1.5, zeros outside of the picture, C1 = 0.01^2, C2 = 0.03^2,
/// values as they are (not clamped to 0..1), mean over pixels and channels.
class Loss {
 public:
  /// Works on the threads of `pool`, which must outlive it. The results have the same bytes for
  /// any number of threads.
  explicit Loss(ThreadPool& pool) : pool_(pool) {}

  /// The loss and, in the two members below, its derivative by the frame. `target` must have the
  /// frame's size.
  LossValue evaluate(const render::Frame& frame, const Target& target, const LossWeights& weights);

  /// Of the frame evaluated last: [H, W, 3], and [H, W] or empty when alpha had no part in it.
  std::span<const float> rgb_gradient() const { return rgb_gradient_; }
  std::span<const float> alpha_gradient() const { return alpha_gradient_; }

 private:
  struct Window;
  void blur_rows(const Window& window, std::size_t chunk);
  void compare_rows(const Window& window, std::size_t chunk);
  void gather_rows(const Window& window, std::size_t chunk);
  void alpha_rows(std::span<const float> alpha, std::span<const float> target, float scale);

  ThreadPool& pool_;
  // Row-blurred x, y, x^2 + y^2 and x y; then the row-blurred derivatives of SSIM by the blurred
  // x, x^2 and x y. [H, W, 3] each.
  std::vector<float> blurred_[4], derivative_[3];
  std::vector<float> rgb_gradient_, alpha_gradient_;
  std::vector<double> sums_;  // of each row: |x - y|, (x - y)^2, SSIM
};

/// -10 log10 of a mean squared error of values 0..1, at most 999 (equal pictures).
double psnr_db(double mean_square);

}  // namespace lode::fit
