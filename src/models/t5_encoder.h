// The encoder of T5 v1.1, as transformers names and computes it (T5EncoderModel).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "base/result.h"
#include "nn/blocks.h"
#include "nn/layers.h"
#include "nn/loader.h"
#include "nn/pass.h"

namespace lode::models {

/// text_encoder_2/config.json.
struct T5Config {
  std::int64_t vocabulary = 0;
  std::int64_t width = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t head_width = 0;    ///< heads * head_width need not be width
  std::int64_t inner_width = 0;   ///< of the feed-forward layers
  std::int64_t buckets = 0;       ///< of relative positions, half of them for keys ahead
  std::int64_t max_distance = 0;  ///< from where on all distances share a bucket
  double eps = 1e-6;
};

/// A config of a T5EncoderModel with the gated tanh-GELU of v1.1. Errc::unsupported for other
/// architectures and activations, Errc::invalid_input for sizes out of bounds; errors name the
/// field.
Result<T5Config> parse_t5_config(const nlohmann::ordered_json& json);

/// The bucket of each relative position (key - query), int64 of any shape on the CPU, in the
/// reference's order of float32 operations: distances 16, 32 and 64 stand exactly on an edge.
at::Tensor t5_buckets(const at::Tensor& relative, std::int64_t buckets, std::int64_t max_distance);

/// Parameters "shared.weight", "encoder.block.*" and "encoder.final_layer_norm.weight"; a stored
/// "encoder.embed_tokens.weight" is the same as "shared.weight".
class T5Encoder {
 public:
  T5Encoder(const T5Config& config, const nn::Scope& scope);

  /// ids int64 [B, T], values below config.vocabulary -> [B, T, width]. Nothing is masked: FLUX
  /// attends to padding. In float32 or bfloat16; float16 overflows in the feed-forward layers.
  at::Tensor operator()(const at::Tensor& ids, nn::Pass& pass) const;

  /// The token table may be stored under either name or both.
  static nn::LoadRules load_rules();

  /// In the order of the forward pass.
  const std::vector<nn::Block>& blocks() const { return blocks_; }
  const T5Config& config() const { return config_; }

 private:
  struct Layer {
    Layer(const T5Config& config, const nn::Scope& scope);
    at::Tensor operator()(const at::Tensor& x, const at::Tensor& bias, std::int64_t heads) const;

    nn::RmsNorm norm1, norm2;
    nn::Linear q, k, v, o;
    nn::GatedFeedForward feed_forward;
  };

  /// What the first block's table adds to every block's scores: [1, heads, T, T].
  at::Tensor position_bias(std::int64_t length) const;

  T5Config config_;
  nn::Embedding shared_;
  nn::Embedding relative_bias_;
  std::vector<Layer> layers_;
  nn::RmsNorm final_norm_;
  std::vector<nn::Block> blocks_;
};

}  // namespace lode::models
