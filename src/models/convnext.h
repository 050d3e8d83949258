// timm's ConvNeXt with open_clip's adapter: the vision tower of open_clip's convnext models.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "nn/layers.h"
#include "nn/loader.h"
#include "nn/pass.h"
#include "weights/checkpoint.h"

namespace lode::models {

struct ConvNextConfig {
  std::vector<std::int64_t> widths;  ///< of the four stages
  std::vector<std::int64_t> depths;  ///< blocks of each
  double eps = 1e-6;                 ///< of layer norms
  std::int64_t head_width = 0;       ///< inside the adapter
  std::int64_t embedding = 0;        ///< what comes out of it

  static constexpr std::int64_t kReduction = 32;  ///< pixels along a side of the last stage's cells
};

/// Read off the shapes of "visual.trunk.*" and "visual.head.mlp.*" of an open_clip checkpoint,
/// since its config only names the trunk. Errc::unsupported where these are missing or of another
/// kind, naming the tensor.
Result<ConvNextConfig> convnext_config_of(const weights::Checkpoint& checkpoint);

/// Parameters "visual.trunk.*" and "visual.head.mlp.*".
class ConvNext {
 public:
  ConvNext(const ConvNextConfig& config, const nn::Scope& scope);

  /// pixels [B, 3, H, W], normalised by the caller, at least kReduction a side -> [B, embedding],
  /// not normalised.
  at::Tensor operator()(const at::Tensor& pixels, nn::Pass& pass) const;

  /// The text tower is ignored.
  static nn::LoadRules load_rules();

  /// In the order of the forward pass.
  const std::vector<nn::Block>& blocks() const { return blocks_; }
  const ConvNextConfig& config() const { return config_; }

 private:
  struct Layer {
    Layer(const ConvNextConfig& config, std::int64_t width, const nn::Scope& scope);
    at::Tensor operator()(const at::Tensor& x) const;

    nn::Conv2d depthwise;
    nn::LayerNorm norm;
    nn::Linear fc1, fc2;
    const nn::Parameter* gamma;
  };
  struct Downsample {
    nn::LayerNorm norm;
    nn::Conv2d conv;
  };
  struct Stage {
    std::optional<Downsample> down;  // none in the first
    std::vector<Layer> layers;
  };

  ConvNextConfig config_;
  nn::Conv2d stem_;
  nn::LayerNorm stem_norm_;
  std::vector<Stage> stages_;
  nn::LayerNorm head_norm_;
  nn::Linear fc1_, fc2_;
  std::vector<nn::Block> blocks_;
};

}  // namespace lode::models
