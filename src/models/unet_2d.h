// The noise predictor of Stable Diffusion 1 and 2 and of Zero123, as diffusers names and computes
// it (UNet2DConditionModel).
#pragma once

#include <ATen/core/Tensor.h>

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "base/result.h"
#include "models/unet_blocks.h"
#include "nn/blocks.h"
#include "nn/loader.h"
#include "nn/pass.h"

namespace lode::models {

/// unet/config.json. Whether proj_in and proj_out are stored as 1x1 convolutions or as matrices
/// (use_linear_projection) makes no difference here: the loader takes both. Zero123's has 8
/// channels in: the noisy latents, then the picture's.
using Unet2dConfig = UnetShape;

/// Errc::unsupported for another class, other kinds of blocks, embeddings, activations or scalings,
/// Errc::invalid_input for sizes that are missing, out of bounds or do not divide; errors name the
/// field.
Result<Unet2dConfig> parse_unet_2d_config(const nlohmann::ordered_json& json);

class Unet2d {
 public:
  Unet2d(const Unet2dConfig& config, const nn::Scope& scope);

  /// latents [B, in_channels, h, w], timesteps [B] (int64 or floating, of the training's 0..999),
  /// context [B, T, context_width] -> [B, out_channels, h, w]. Latents and context are of the type
  /// that is computed in, any h and w from 1. What is returned is noise or velocity, as the
  /// schedule says (diffusion_schedule.h).
  at::Tensor operator()(const at::Tensor& latents, const at::Tensor& timesteps,
                        const at::Tensor& context, nn::Pass& pass) const;

  /// Nothing is ignored; matrices may be stored as 1x1 convolutions.
  static nn::LoadRules load_rules();

  /// In the order of the forward pass.
  const std::vector<nn::Block>& blocks() const { return blocks_; }
  const Unet2dConfig& config() const { return config_; }

 private:
  Unet2dConfig config_;
  nn::EmbeddingMlp time_;
  UnetBody body_;
  std::vector<nn::Block> blocks_;
};

}  // namespace lode::models
