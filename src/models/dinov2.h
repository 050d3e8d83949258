// The DINOv2 vision transformer, as transformers names and computes it (Dinov2Model), and the
// validators' quality head over it.
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

struct Dinov2Config {
  std::int64_t width = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t inner_width = 0;
  std::int64_t patch = 0;       ///< pixels along a side
  std::int64_t image_size = 0;  ///< pixels along a side that the positions are for
  double eps = 1e-6;            ///< of layer norms
  bool qkv_bias = true;
};

/// Errc::unsupported for other architectures, SwiGLU layers (the giant) and activations,
/// Errc::invalid_input for sizes that are missing, out of bounds or do not divide; errors name the
/// field.
Result<Dinov2Config> parse_dinov2_config(const nlohmann::ordered_json& json);

/// Parameters "embeddings.*", "encoder.layer.*", "layernorm.*".
class Dinov2 {
 public:
  Dinov2(const Dinov2Config& config, const nn::Scope& scope);

  /// pixels [B, 3, H, W], normalised by the caller, at least a patch a side; what is no whole patch
  /// at the right and below is not seen -> [B, 1 + patches, width], after the final norm; row 0 is
  /// the class token. Positions for another size
  /// than the config's are interpolated, bicubic in float32.
  at::Tensor operator()(const at::Tensor& pixels, nn::Pass& pass) const;

  /// The mask token, which masked training alone needs, is no parameter. Names may begin with
  /// "backbone.", as where a scorer was stored with its backbone; the scorer's heads are then
  /// ignored.
  static nn::LoadRules load_rules();

  /// In the order of the forward pass.
  const std::vector<nn::Block>& blocks() const { return blocks_; }
  const Dinov2Config& config() const { return config_; }

 private:
  struct Layer {
    Layer(const Dinov2Config& config, const nn::Scope& scope);
    at::Tensor operator()(const at::Tensor& x, std::int64_t heads) const;

    nn::LayerNorm norm1, norm2;
    nn::Linear q, k, v, out, fc1, fc2;
    const nn::Parameter *scale1, *scale2;
  };

  at::Tensor positions(std::int64_t rows, std::int64_t columns) const;

  Dinov2Config config_;
  const nn::Parameter *class_token_, *positions_;
  nn::Conv2d patches_;
  std::vector<Layer> layers_;
  nn::LayerNorm norm_;
  std::vector<nn::Block> blocks_;
};

/// "score_head" of the validators' quality_scorer.safetensors: one logit from the class token's row
/// (three-gen-subnet, validation/engine/models/quality_model.py).
class QualityHead {
 public:
  QualityHead(std::int64_t width, const nn::Scope& scope);
  /// [B, width] -> [B], a probability.
  at::Tensor operator()(const at::Tensor& features, nn::Pass& pass) const;

  /// The backbone and the head for metric learning are ignored.
  static nn::LoadRules load_rules();
  const std::vector<nn::Block>& blocks() const { return blocks_; }

 private:
  nn::Linear score_;
  std::vector<nn::Block> blocks_;
};

}  // namespace lode::models
