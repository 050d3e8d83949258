// What autoencoders and U-Nets are built of, under diffusers' parameter names unless told others.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "nn/layers.h"

namespace lode::nn {

/// What a residual block's layers are called.
struct ResnetNames {
  std::string_view norm1, conv1, time, norm2, conv2, shortcut;
};
inline constexpr ResnetNames kDiffusersResnet{"norm1", "conv1", "time_emb_proj",
                                              "norm2", "conv2", "conv_shortcut"};
/// In CompVis' code, "LDM".
inline constexpr ResnetNames kLdmResnet{"in_layers.0",  "in_layers.2",  "emb_layers.1",
                                        "out_layers.0", "out_layers.3", "skip_connection"};

struct ResnetOptions {
  std::int64_t in = 0, out = 0;
  std::int64_t groups = 32;
  double eps = 1e-6;            ///< of both normalisations: 1e-6 in autoencoders, 1e-5 in U-Nets
  std::int64_t time_width = 0;  ///< of the time embedding; 0 where there is none
  ResnetNames names = kDiffusersResnet;
};

/// shortcut(x) + conv2(silu(norm2(conv1(silu(norm1(x))) + time(silu(t))))); `shortcut` is 1x1 and
/// there where the widths differ.
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

/// Nearest neighbour to twice the size, then the convolution `conv`, 3x3. Its scope is diffusers'
/// "upsamplers.0".
class Upsample2D {
 public:
  Upsample2D(const Scope& scope, std::int64_t channels, std::string_view conv = "conv");
  at::Tensor operator()(const at::Tensor& x) const;  // [B, C, H, W] -> [B, C, 2 H, 2 W]
  /// To another size: [B, C, height, width].
  at::Tensor operator()(const at::Tensor& x, std::int64_t height, std::int64_t width) const;

 private:
  Conv2d conv_;
};

/// Where a stride of two takes its border from.
enum class DownsamplePadding {
  symmetric,       ///< one pixel all around: U-Nets
  right_and_below  ///< one pixel there alone: autoencoders
};

/// The convolution `conv`, 3x3 with stride 2. Its scope is diffusers' "downsamplers.0".
class Downsample2D {
 public:
  Downsample2D(const Scope& scope, std::int64_t channels, DownsamplePadding padding,
               std::string_view conv = "conv");
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

/// What the layers of a two-layer embedding are called.
struct EmbeddingNames {
  std::string_view first, second;
};
inline constexpr EmbeddingNames kDiffusersEmbedding{"linear_1", "linear_2"};
inline constexpr EmbeddingNames kLdmEmbedding{"0", "2"};

/// second(silu(first(x))): of time steps, cameras, pooled prompts.
class EmbeddingMlp {
 public:
  EmbeddingMlp(const Scope& scope, std::int64_t in, std::int64_t out,
               EmbeddingNames names = kDiffusersEmbedding);
  at::Tensor operator()(const at::Tensor& x) const;  // [..., in] -> [..., out]

 private:
  Linear first_, second_;
};

}  // namespace lode::nn
