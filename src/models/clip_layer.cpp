#include "models/clip_layer.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>

#include "nn/attention.h"

namespace lode::models {

ClipLayer::ClipLayer(const ClipLayerConfig& config, const nn::Scope& scope)
    : config_(config),
      norm1_(scope["layer_norm1"], config.width, config.eps),
      norm2_(scope["layer_norm2"], config.width, config.eps),
      q_(scope["self_attn.q_proj"], config.width, config.width),
      k_(scope["self_attn.k_proj"], config.width, config.width),
      v_(scope["self_attn.v_proj"], config.width, config.width),
      out_(scope["self_attn.out_proj"], config.width, config.width),
      fc1_(scope["mlp.fc1"], config.width, config.inner_width),
      fc2_(scope["mlp.fc2"], config.inner_width, config.width) {}

at::Tensor ClipLayer::operator()(const at::Tensor& x, bool causal) const {
  const at::Tensor n = norm1_(x);
  nn::AttentionOptions options;
  options.causal = causal;
  const at::Tensor attended =
      nn::attention(nn::split_heads(q_(n), config_.heads), nn::split_heads(k_(n), config_.heads),
                    nn::split_heads(v_(n), config_.heads), options);
  const at::Tensor y = x + out_(nn::join_heads(attended));
  const at::Tensor inner = fc1_(norm2_(y));
  return y + fc2_(config_.quick_gelu ? nn::quick_gelu(inner) : nn::gelu(inner));
}

at::Tensor first_matching_row(const at::Tensor& hidden, const at::Tensor& matches) {
  // argmax promises no order among equals, hence the largest distance from the end.
  const std::int64_t length = hidden.size(1);
  const at::Tensor from_end = at::arange(length, 0, -1, matches.options().dtype(at::kLong));
  const at::Tensor first = length - matches.to(at::kLong).mul_(from_end).amax(1);
  const at::Tensor row = first.remainder(length);
  return hidden.gather(1, row.view({-1, 1, 1}).expand({-1, 1, hidden.size(2)})).squeeze(1);
}

at::Tensor normalised(const at::Tensor& v) { return v / v.norm(2, -1, true); }

}  // namespace lode::models
