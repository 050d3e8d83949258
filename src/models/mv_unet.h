// The noise predictor of MVDream and ImageDream, which look at several views of an object together
// (MultiViewUNetModel), under the names of CompVis' code.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <vector>

#include "base/result.h"
#include "models/picture_resampler.h"
#include "models/unet_blocks.h"
#include "nn/blocks.h"
#include "nn/loader.h"
#include "nn/pass.h"

namespace lode::models {

/// unet/config.json of ashawkey/mvdream-sd2.1-diffusers and imagedream-ipmv-diffusers.
struct MvUnetConfig {
  UnetShape shape;
  std::int64_t camera_width = 0;  ///< 16: a camera-to-world matrix; 0 where there are no cameras
  PictureAttention picture;       ///< ImageDream's; none in MVDream
};

/// Errc::unsupported for another class and for what MVDream leaves at its default, Errc::
/// invalid_input for sizes that are missing, out of bounds or do not divide; errors name the field.
Result<MvUnetConfig> parse_mv_unet_config(const nlohmann::ordered_json& json);

/// One pass. B is the number of views of all objects; those of one object lie side by side.
struct MvUnetInput {
  at::Tensor latents;      ///< [B, in_channels, h, w], h and w multiples of shape.reduction()
  at::Tensor timesteps;    ///< [B], int64 or floating; one object's are equal
  at::Tensor context;      ///< [B, T, context_width]
  at::Tensor cameras;      ///< [B, camera_width]; undefined: none are looked at
  std::int64_t views = 4;  ///< of an object; divides B. ImageDream's picture is one more
  // ImageDream's alone.
  at::Tensor picture_tokens;   ///< [B, picture_tokens, context_width], by embed_picture
  at::Tensor picture_latents;  ///< [B / views, in_channels, h, w]: take the last view's place
};

class MvUnet {
 public:
  MvUnet(const MvUnetConfig& config, const nn::Scope& scope);

  /// The noise of every view: [B, out_channels, h, w]. Latents, context and cameras are of the type
  /// that is computed in.
  at::Tensor operator()(const MvUnetInput& input, nn::Pass& pass) const;

  /// What ImageDream's attention reads of a picture, the same at every time step: features [B, T,
  /// kPictureFeatures] (CLIP ViT-H/14's last but one hidden state, 257 of them) -> [B,
  /// picture_tokens, context_width]. Asserts that the config has picture tokens.
  at::Tensor embed_picture(const at::Tensor& features, nn::Pass& pass) const;

  /// Nothing is ignored.
  static nn::LoadRules load_rules();

  /// In the order of the forward pass; embed_picture's, where there is one, is the last.
  const std::vector<nn::Block>& blocks() const { return blocks_; }
  const MvUnetConfig& config() const { return config_; }

 private:
  MvUnetConfig config_;
  nn::EmbeddingMlp time_;
  std::optional<nn::EmbeddingMlp> camera_;
  UnetBody body_;
  std::optional<PictureResampler> resampler_;
  std::vector<nn::Block> blocks_;
};

}  // namespace lode::models
