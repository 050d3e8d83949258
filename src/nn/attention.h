// Scaled dot-product attention, by libtorch's fused kernels where it has them.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace lode::nn {

struct AttentionOptions {
  /// What scores are multiplied by; 1 / sqrt(D) when absent (T5 wants 1).
  std::optional<double> scale;
  /// Added to the scaled scores, floating, broadcastable to [B, H, L, S]; may be undefined. It may
  /// hold -infinity, but has to leave each query at least one key.
  at::Tensor bias;
  /// Query i sees keys 0..i alone.
  bool causal = false;
};

/// softmax(scale q k^T + bias) v for q [B, H, L, D] and k, v [B, H, S, D] of one floating type ->
/// [B, H, L, D] in that type, softmax and sums in float32. Differentiable. No size is 0.
///
/// libtorch from 2.1 on: at::scaled_dot_product_attention. Before: attention_tiled.
at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     const AttentionOptions& options = {});

/// The same from plain operators, a tile of heads and queries at a time: the [L, S] scores never
/// exist as a whole, except that autograd keeps its tiles where a gradient is asked for. Without,
/// the result lies in memory as [B, L, H, D], so that joining the heads copies nothing.
at::Tensor attention_tiled(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const AttentionOptions& options = {});

/// [B, T, heads * D] as attention takes it: [B, heads, T, D].
at::Tensor split_heads(const at::Tensor& x, std::int64_t heads);
/// And back.
at::Tensor join_heads(const at::Tensor& x);

}  // namespace lode::nn
