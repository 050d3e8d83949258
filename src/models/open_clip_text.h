// The text tower of an open_clip model, under open_clip's parameter names.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "base/result.h"
#include "nn/layers.h"
#include "nn/loader.h"
#include "nn/pass.h"

namespace lode::models {

struct OpenClipTextConfig {
  std::int64_t vocabulary = 0;
  std::int64_t width = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t positions = 0;  ///< longest sequence
  std::int64_t embedding = 0;  ///< what comes out
};

/// "model_cfg" of an open_clip_config.json. Errc::unsupported for text towers of other kinds and
/// vision towers other than timm's ConvNeXt with an mlp adapter, Errc::invalid_input for sizes that
/// are missing, out of bounds or do not divide; errors name the field.
Result<OpenClipTextConfig> parse_open_clip_config(const nlohmann::ordered_json& json);

/// Parameters "token_embedding.weight", "positional_embedding", "transformer.resblocks.*",
/// "ln_final.*" and "text_projection", which is multiplied from the right.
class OpenClipText {
 public:
  OpenClipText(const OpenClipTextConfig& config, const nn::Scope& scope);

  /// ids int64 [B, T], T at most config.positions, values below config.vocabulary -> [B,
  /// embedding], not normalised: the projected row of the first of the largest ids, which is the
  /// end of the text.
  at::Tensor operator()(const at::Tensor& ids, nn::Pass& pass) const;

  /// The vision tower and the scale of logits are ignored.
  static nn::LoadRules load_rules();

  /// In the order of the forward pass.
  const std::vector<nn::Block>& blocks() const { return blocks_; }
  const OpenClipTextConfig& config() const { return config_; }

 private:
  struct Layer {
    Layer(const OpenClipTextConfig& config, const nn::Scope& scope);
    at::Tensor operator()(const at::Tensor& x, std::int64_t heads) const;

    nn::LayerNorm norm1, norm2;
    const nn::Parameter *in_weight, *in_bias;  // queries, keys and values stacked
    nn::Linear out, fc1, fc2;
  };

  OpenClipTextConfig config_;
  nn::Embedding tokens_;
  const nn::Parameter* positions_;
  std::vector<Layer> layers_;
  nn::LayerNorm final_norm_;
  const nn::Parameter* projection_;
  std::vector<nn::Block> blocks_;
};

}  // namespace lode::models
