// The autoencoder of FLUX and Stable Diffusion, as diffusers names and computes it (AutoencoderKL).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <vector>

#include "base/result.h"
#include "nn/blocks.h"
#include "nn/layers.h"
#include "nn/loader.h"
#include "nn/pass.h"

namespace lode::models {

/// vae/config.json.
struct AutoencoderKlConfig {
  std::int64_t image_channels = 3;
  std::int64_t latent_channels = 0;
  std::vector<std::int64_t> channels;  ///< of each level, finest first
  std::int64_t layers = 0;             ///< residual blocks a level, one more in the decoder
  std::int64_t groups = 0;             ///< of the normalisations; divides every level's channels
  bool mid_attention = true;
  bool quant_conv = true;       ///< a 1x1 convolution after the encoder (Stable Diffusion)
  bool post_quant_conv = true;  ///< and before the decoder
  // What diffusion sees is (latent - shift) * scaling.
  double scaling = 0.18215;
  double shift = 0;

  /// Pixels along a latent's side: 8 for the four levels of FLUX and Stable Diffusion.
  std::int64_t reduction() const { return std::int64_t{1} << (channels.size() - 1); }
};

/// Errc::unsupported for another class, other kinds of blocks, another activation or normalised
/// latents, Errc::invalid_input for sizes that are missing, out of bounds or do not divide; errors
/// name the field.
Result<AutoencoderKlConfig> parse_autoencoder_kl_config(const nlohmann::ordered_json& json);

/// Two residual blocks with attention between them, over all pixels of the coarsest level.
class KlMidBlock {
 public:
  KlMidBlock(const AutoencoderKlConfig& config, const nn::Scope& scope);
  at::Tensor operator()(const at::Tensor& x) const;  // [B, C, H, W]

 private:
  struct Attention {
    Attention(const AutoencoderKlConfig& config, const nn::Scope& scope);
    at::Tensor operator()(const at::Tensor& x) const;

    nn::GroupNorm norm;
    nn::Linear q, k, v, out;
  };

  nn::ResnetBlock2D first_, second_;
  std::optional<Attention> attention_;
};

/// Parameters "decoder.*", and "post_quant_conv.*" where the config has it.
class KlDecoder {
 public:
  KlDecoder(const AutoencoderKlConfig& config, const nn::Scope& scope);

  /// latents [B, latent_channels, H, W], unscaled (unscale) -> pictures [B, image_channels,
  /// reduction H, reduction W], black at -1 and white at 1, not clamped.
  at::Tensor operator()(const at::Tensor& latents, nn::Pass& pass) const;

  /// What diffusion made, as the decoder wants it.
  at::Tensor unscale(const at::Tensor& latents) const;

  /// The other half is ignored, and attention may bear its old names (query, key, value, proj_attn)
  /// or be stored as 1x1 convolutions.
  static nn::LoadRules load_rules();

  /// In the order of the forward pass.
  const std::vector<nn::Block>& blocks() const { return blocks_; }
  const AutoencoderKlConfig& config() const { return config_; }

 private:
  struct Level {
    std::vector<nn::ResnetBlock2D> resnets;
    std::optional<nn::Upsample2D> up;
  };

  AutoencoderKlConfig config_;
  std::optional<nn::Conv2d> post_quant_;
  nn::Conv2d conv_in_;
  KlMidBlock mid_;
  std::vector<Level> levels_;  // coarsest first
  nn::GroupNorm norm_out_;
  nn::Conv2d conv_out_;
  std::vector<nn::Block> blocks_;
};

/// Parameters "encoder.*", and "quant_conv.*" where the config has it.
class KlEncoder {
 public:
  KlEncoder(const AutoencoderKlConfig& config, const nn::Scope& scope);

  /// A Gaussian over latents, [B, latent_channels, H, W] each, unscaled.
  struct Distribution {
    at::Tensor mean;
    at::Tensor log_variance;  ///< within -30..20
  };
  /// pictures [B, image_channels, reduction H, reduction W], -1..1.
  Distribution operator()(const at::Tensor& pictures, nn::Pass& pass) const;

  /// As the decoder's.
  static nn::LoadRules load_rules();

  const std::vector<nn::Block>& blocks() const { return blocks_; }
  const AutoencoderKlConfig& config() const { return config_; }

 private:
  struct Level {
    std::vector<nn::ResnetBlock2D> resnets;
    std::optional<nn::Downsample2D> down;
  };

  AutoencoderKlConfig config_;
  nn::Conv2d conv_in_;
  std::vector<Level> levels_;  // finest first
  KlMidBlock mid_;
  nn::GroupNorm norm_out_;
  nn::Conv2d conv_out_;
  std::optional<nn::Conv2d> quant_;
  std::vector<nn::Block> blocks_;
};

}  // namespace lode::models
