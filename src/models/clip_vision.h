// CLIP's vision tower, as transformers names and computes it (CLIPVisionModelWithProjection).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <vector>

#include "base/result.h"
#include "models/clip_layer.h"
#include "models/clip_text.h"
#include "nn/layers.h"
#include "nn/loader.h"
#include "nn/pass.h"

namespace lode::models {

struct ClipVisionConfig {
  std::int64_t image_size = 0;  ///< pixels along a side
  std::int64_t patch = 0;       ///< pixels along a side; divides image_size
  std::int64_t layers = 0;
  ClipLayerConfig layer;
  std::int64_t projection = 0;  ///< width of the projected feature; 0 for none (CLIPVisionModel)

  /// Patches and the class token: 50 for ViT-B/32, 257 for ViT-L/14.
  std::int64_t tokens() const { return (image_size / patch) * (image_size / patch) + 1; }
};

/// A config of a CLIPVisionModel(WithProjection), or the vision half of a CLIPModel or
/// LLM2CLIPModel. Fields that are missing are transformers' defaults there. Errc::unsupported for
/// other architectures and activations, Errc::invalid_input for sizes that are out of bounds or do
/// not divide; errors name the field.
Result<ClipVisionConfig> parse_clip_vision_config(const nlohmann::ordered_json& json);

/// Both halves of a CLIPModel's config; they are projected to one width.
struct ClipConfig {
  ClipTextConfig text;
  ClipVisionConfig vision;
};

/// Errors as of the halves, their fields named "text_config.<field>".
Result<ClipConfig> parse_clip_config(const nlohmann::ordered_json& json);

/// Parameters "vision_model.*", and "visual_projection.weight" where the config has one.
class ClipVision {
 public:
  ClipVision(const ClipVisionConfig& config, const nn::Scope& scope);

  struct Output {
    at::Tensor hidden;  ///< [B, T, width], before the last norm
    at::Tensor pooled;  ///< [B, projection], or [B, width]: the class token's row, normed
  };
  /// pixels [B, 3, image_size, image_size], normalised by the caller.
  Output operator()(const at::Tensor& pixels, nn::Pass& pass) const;

  /// A CLIPModel's other half, and position ids, are no parameters.
  static nn::LoadRules load_rules();

  /// In the order of the forward pass.
  const std::vector<nn::Block>& blocks() const { return blocks_; }
  const ClipVisionConfig& config() const { return config_; }

 private:
  ClipVisionConfig config_;
  const nn::Parameter* class_token_;
  nn::Conv2d patches_;
  nn::Embedding positions_;
  nn::LayerNorm pre_norm_;
  std::vector<ClipLayer> layers_;
  nn::LayerNorm post_norm_;
  std::optional<nn::Linear> projection_;
  std::vector<nn::Block> blocks_;
};

}  // namespace lode::models
