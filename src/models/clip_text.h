// CLIP's text encoder, as transformers names and computes it (CLIPTextModel).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <vector>

#include "base/result.h"
#include "models/clip_layer.h"
#include "nn/layers.h"
#include "nn/loader.h"
#include "nn/pass.h"

namespace lode::models {

/// text_encoder/config.json.
struct ClipTextConfig {
  std::int64_t vocabulary = 0;
  std::int64_t width = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t inner_width = 0;  ///< of the feed-forward layers
  std::int64_t positions = 0;    ///< longest sequence
  std::int64_t eos_id = 0;       ///< where the pooled row is; 2 in old configs, see ClipText
  double eps = 1e-5;             ///< of layer norms
  bool quick_gelu = true;        ///< OpenAI's weights; LAION's have the exact GELU
  /// Width of the projected pooled row; 0 for none (CLIPTextModel).
  std::int64_t projection = 0;
};

/// A config of a CLIPTextModel or CLIPTextModelWithProjection. Errc::unsupported for other
/// architectures and activations, Errc::invalid_input for sizes that are missing, out of bounds or
/// do not divide; errors name the field.
Result<ClipTextConfig> parse_clip_text_config(const nlohmann::ordered_json& json);

/// Parameters "text_model.*", and "text_projection.weight" where the config has one.
class ClipText {
 public:
  ClipText(const ClipTextConfig& config, const nn::Scope& scope);

  struct Output {
    at::Tensor hidden;  ///< [B, T, width], after the final norm
    /// [B, width], or [B, projection]: the row of each sequence's end. That is the first eos_id,
    /// or, by the rule of configs whose eos_id is 2, the first of the largest ids.
    at::Tensor pooled;
  };
  /// ids int64 [B, T], T at most config.positions, values below config.vocabulary. Nothing is
  /// masked but the future: FLUX attends to padding.
  Output operator()(const at::Tensor& ids, nn::Pass& pass) const;

  /// A CLIPModel's other half, and the position ids that old files hold, are no parameters.
  static nn::LoadRules load_rules();

  /// In the order of the forward pass.
  const std::vector<nn::Block>& blocks() const { return blocks_; }
  const ClipTextConfig& config() const { return config_; }

 private:
  at::Tensor pool(const at::Tensor& ids, const at::Tensor& hidden) const;

  ClipTextConfig config_;
  nn::Embedding tokens_, positions_;
  std::vector<ClipLayer> layers_;
  nn::LayerNorm final_norm_;
  std::optional<nn::Linear> projection_;
  std::vector<nn::Block> blocks_;
};

}  // namespace lode::models
