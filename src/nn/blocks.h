// What diffusers' autoencoders and U-Nets are built of, under its parameter names.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

#include "nn/layers.h"

namespace lode::nn {

struct ResnetOptions {
  std::int64_t in = 0, out = 0;
  std::int64_t groups = 32;
  double eps = 1e-6;            ///< of both normalisations: 1e-6 in autoencoders, 1e-5 in U-Nets
  std::int64_t time_width = 0;  ///< of the time embedding; 0 where there is none
};

/// shortcut(x) + conv2(silu(norm2(conv1(silu(norm1(x))) + time_emb_proj(silu(time))))), "norm1",
/// "conv1", "time_emb_proj" (with a time), "norm2", "conv2", "conv_shortcut" (1x1, where the widths
/// differ).
class ResnetBlock2D {
 public:
  ResnetBlock2D(const Scope& scope, const ResnetOptions& options);
  /// x [B, in, H, W], time [B, time_width] (undefined where there is none) -> [B, out, H, W].
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& time = {}) const;

 private:
  GroupNorm norm1_;
  Conv2d conv1_;
  std::optional<Linear> time_;
  GroupNorm norm2_;
  Conv2d conv2_;
  std::optional<Conv2d> shortcut_;
};

/// Nearest neighbour to twice the size, then "conv" 3x3. Its scope is diffusers' "upsamplers.0".
class Upsample2D {
 public:
  Upsample2D(const Scope& scope, std::int64_t channels);
  at::Tensor operator()(const at::Tensor& x) const;  // [B, C, H, W] -> [B, C, 2 H, 2 W]

 private:
  Conv2d conv_;
};

/// Where a stride of two takes its border from.
enum class DownsamplePadding {
  symmetric,       ///< one pixel all around: U-Nets
  right_and_below  ///< one pixel there alone: autoencoders
};

/// "conv" 3x3 with stride 2. Its scope is diffusers' "downsamplers.0".
class Downsample2D {
 public:
  Downsample2D(const Scope& scope, std::int64_t channels, DownsamplePadding padding);
  /// [B, C, H, W] -> [B, C, H', W']: half, rounded up for symmetric and down otherwise.
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  DownsamplePadding padding_;
  Conv2d conv_;
};

enum class Activation {
  gelu_tanh,  ///< gelu_tanh("net.0.proj" x)
  gelu,       ///< gelu("net.0.proj" x)
  geglu       ///< a gelu(b) for [a | b] = "net.0.proj" x, which is twice as wide
};

/// "net.0.proj", the activation, "net.2".
class FeedForward {
 public:
  FeedForward(const Scope& scope, std::int64_t width, std::int64_t inner, Activation activation);
  at::Tensor operator()(const at::Tensor& x) const;  // [..., width] -> [..., width]

 private:
  Activation activation_;
  Linear in_, out_;
};

/// T5 v1.1's: "wo" (gelu_tanh("wi_0" x) * "wi_1" x), without biases.
class GatedFeedForward {
 public:
  GatedFeedForward(const Scope& scope, std::int64_t width, std::int64_t inner);
  at::Tensor operator()(const at::Tensor& x) const;  // [..., width] -> [..., width]

 private:
  Linear gate_, in_, out_;
};

}  // namespace lode::nn
