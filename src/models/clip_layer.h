// What CLIP's text and vision towers are built of, under transformers' parameter names.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "nn/layers.h"

namespace lode::models {

/// The sizes of one transformer layer of CLIP.
struct ClipLayerConfig {
  std::int64_t width = 0;
  std::int64_t heads = 0;  ///< divides width
  std::int64_t inner_width = 0;
  double eps = 1e-5;       ///< of layer norms
  bool quick_gelu = true;  ///< OpenAI's weights; LAION's have the exact GELU
};

/// x + out(attention(norm1 x)), then y + fc2(gelu(fc1(norm2 y))): "layer_norm1", "self_attn.q_proj"
/// (k_proj, v_proj, out_proj), "layer_norm2", "mlp.fc1", "mlp.fc2".
class ClipLayer {
 public:
  ClipLayer(const ClipLayerConfig& config, const nn::Scope& scope);
  /// [B, T, width] -> the same. `causal`: a row sees itself and those before it (text).
  at::Tensor operator()(const at::Tensor& x, bool causal) const;

 private:
  ClipLayerConfig config_;
  nn::LayerNorm norm1_, norm2_;
  nn::Linear q_, k_, v_, out_, fc1_, fc2_;
};

/// Of hidden [B, T, W] the row of each sequence where `matches` [B, T] (bool) is first true, or the
/// first row where it never is, as argmax has it: [B, W].
at::Tensor first_matching_row(const at::Tensor& hidden, const at::Tensor& matches);

/// v / |v| along the last dimension.
at::Tensor normalised(const at::Tensor& v);

}  // namespace lode::models
