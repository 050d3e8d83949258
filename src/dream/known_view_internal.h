// How far a drawn frame is from the picture of the subject.
#pragma once

#include <vector>

#include "dream/guidance.h"
#include "dream/preset.h"
#include "render/render.h"

namespace lode::dream {

/// The references' loss of the known view, over white: 10000 k MSE(colour) + 1000 k MSE(alpha),
/// where k is the progress while warming up, else 1.
class KnownView {
 public:
  /// `subject` has a checked picture.
  KnownView(const Subject& subject, const Preset& preset);

  const render::Camera& camera() const { return camera_; }

  /// The weighted loss of a frame drawn over white; its derivative is in the two members below.
  double evaluate(const render::Frame& frame, double progress);

  const std::vector<float>& rgb_gradient() const { return rgb_gradient_; }
  const std::vector<float>& alpha_gradient() const { return alpha_gradient_; }

  /// Of the frame evaluated last, without weights: MSE(colour) + MSE(alpha) / 10.
  double plain_loss() const { return plain_loss_; }

 private:
  render::Camera camera_;
  bool warms_up_;
  std::vector<float> rgb_, alpha_;  // what it should look like
  std::vector<float> rgb_gradient_, alpha_gradient_;
  double plain_loss_ = 0;
};

}  // namespace lode::dream
