// The layers that every network here is made of. A layer registers its parameters under the
// reference's names when it is made and is a function of tensors once they are loaded.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "nn/parameter.h"

namespace lode::nn {

enum class Bias { none, added };

/// y = x W^T + b, "weight" [out, in], "bias" [out]. The weight may be quantised.
class Linear {
 public:
  Linear(const Scope& scope, std::int64_t in, std::int64_t out, Bias bias = Bias::added);
  at::Tensor operator()(const at::Tensor& x) const;  // [..., in] -> [..., out]
  const at::Tensor& bias() const;                    ///< undefined where there is none

 private:
  const Parameter* weight_;
  const Parameter* bias_ = nullptr;
};

/// Rows of "weight" [entries, width].
class Embedding {
 public:
  Embedding(const Scope& scope, std::int64_t entries, std::int64_t width);
  at::Tensor operator()(const at::Tensor& ids) const;  // [...] int64 -> [..., width]
  /// The whole table, for positions.
  const at::Tensor& table() const { return weight_->value(); }

 private:
  const Parameter* weight_;
};

/// Over the last dimension, with "weight" and "bias" [width].
class LayerNorm {
 public:
  LayerNorm(const Scope& scope, std::int64_t width, double eps);
  at::Tensor operator()(const at::Tensor& x) const;  // [..., width]

 private:
  const Parameter* weight_;
  const Parameter* bias_;
  double eps_;
};

/// LayerNorm without parameters, as adaptive normalisation wants it.
at::Tensor layer_norm(const at::Tensor& x, double eps);  // [..., width]

/// x / sqrt(mean(x^2) + eps) over the last dimension, in float32, then brought to the weight's type
/// and times "weight" [width] (T5's and diffusers' order of rounding).
class RmsNorm {
 public:
  RmsNorm(const Scope& scope, std::int64_t width, double eps);
  at::Tensor operator()(const at::Tensor& x) const;  // [..., width]

 private:
  const Parameter* weight_;
  double eps_;
};

/// Over groups of channels, with "weight" and "bias" [channels].
class GroupNorm {
 public:
  GroupNorm(const Scope& scope, std::int64_t groups, std::int64_t channels, double eps);
  at::Tensor operator()(const at::Tensor& x) const;  // [B, C, ...]

 private:
  const Parameter* weight_;
  const Parameter* bias_;
  std::int64_t groups_;
  double eps_;
};

/// A convolution's weight and bias.
struct Affine {
  at::Tensor weight;  ///< [out, ...]
  at::Tensor bias;    ///< [out]
};

/// (x - "running_mean") / sqrt("running_var" + eps) "weight" + "bias", each [channels]: what batch
/// normalisation does once trained.
class BatchNorm2d {
 public:
  BatchNorm2d(const Scope& scope, std::int64_t channels, double eps = 1e-5);
  at::Tensor operator()(const at::Tensor& x) const;  // [B, C, H, W]
  /// The convolution that does both, for one of `weight` and `bias` (may be undefined) whose output
  /// is normalised. Worked out in float32; in the type of `weight`.
  Affine fold(const at::Tensor& weight, const at::Tensor& bias) const;

 private:
  Affine scale_and_shift() const;  // float32

  const Parameter* weight_;
  const Parameter* bias_;
  const Parameter* mean_;
  const Parameter* variance_;
  double eps_;
};

/// "weight" [out, in / groups, k, k], "bias" [out].
class Conv2d {
 public:
  struct Options {
    std::int64_t kernel = 3;
    std::int64_t stride = 1;
    std::int64_t padding = 1;
    std::int64_t groups = 1;
    Bias bias = Bias::added;
  };
  Conv2d(const Scope& scope, std::int64_t in, std::int64_t out, Options options);
  at::Tensor operator()(const at::Tensor& x) const;  // [B, in, H, W] -> [B, out, H', W']
  /// norm of that, in one convolution.
  at::Tensor operator()(const at::Tensor& x, const BatchNorm2d& norm) const;

  const at::Tensor& weight() const { return weight_->value(); }
  const at::Tensor& bias() const;  ///< undefined where there is none

 private:
  const Parameter* weight_;
  const Parameter* bias_ = nullptr;
  Options options_;
};

/// x * sigmoid(1.702 x): the GELU of OpenAI's CLIP.
at::Tensor quick_gelu(const at::Tensor& x);
/// GELU by tanh ("gelu_new", "gelu_pytorch_tanh").
at::Tensor gelu_tanh(const at::Tensor& x);
/// GELU by erf. Where at::gelu is visible too, call it as nn::gelu.
at::Tensor gelu(const at::Tensor& x);

}  // namespace lode::nn
