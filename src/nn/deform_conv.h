// Modulated deformable convolution (Zhu et al. 2018, "DCNv2"), as torchvision's deform_conv2d
// computes it with one group of offsets.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "nn/layers.h"
#include "nn/parameter.h"

namespace lode::nn {

/// The operands of a deformable convolution with stride 1, an odd kernel of k x k taps and a border
/// of k / 2. All of one floating type and on one device.
struct DeformOperands {
  at::Tensor x;       ///< [B, C, H, W]
  at::Tensor offset;  ///< [B, 2 k^2, H, W]: channels 2 t and 2 t + 1 move tap t down and right
  at::Tensor mask;    ///< [B, k^2, H, W]: what the tap's sample is multiplied by
  at::Tensor weight;  ///< [O, C, k, k]
  at::Tensor bias;    ///< [O], may be undefined
};

/// sum over taps t = (i, j) and channels of weight[:, c, i, j] mask[t] x[c](y - k/2 + i + offset[2
/// t], x - k/2 + j + offset[2 t + 1]), where x(...) is bilinear with zeros around the picture: [B,
/// O, H, W], which lies in memory as [B, H, W, O].
///
/// On the CPU, and where no gradient is asked for: vectorised sampling, then one product per tile
/// of pixels, in float32 whatever the type. Otherwise deform_conv2d_by_operators.
at::Tensor deform_conv2d(const DeformOperands& operands);

/// The same from libtorch's operators, on any device and differentiable in all operands. Positions
/// and sums are float32; k^2 samples of x exist one after the other.
at::Tensor deform_conv2d_by_operators(const DeformOperands& operands);

/// The layer of BiRefNet: offsets by "offset_conv", masks 2 sigmoid("modulator_conv"), weights
/// "regular_conv.weight" without a bias, followed by a BatchNorm2d, which is folded into them.
class DeformConv2d {
 public:
  DeformConv2d(const Scope& scope, std::int64_t in, std::int64_t out, std::int64_t kernel);
  /// [B, in, H, W] -> norm(...) [B, out, H, W].
  at::Tensor operator()(const at::Tensor& x, const BatchNorm2d& norm) const;

 private:
  std::int64_t kernel_;
  Conv2d offset_, modulator_;
  const Parameter* weight_;
};

}  // namespace lode::nn
