// ImageDream's reader of pictures: a few learnt queries that gather what attention will see of a
// picture's features (Resampler, after IP-Adapter and Flamingo).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "nn/layers.h"

namespace lode::models {

/// Width of the features: CLIP ViT-H/14's.
inline constexpr std::int64_t kPictureFeatures = 1280;

/// "latents", "proj_in", "layers.N.0" (attention), "layers.N.1" (feed-forward), "proj_out",
/// "norm_out"; 4 layers of 12 heads 64 wide, as mv_unet.py fixes them.
class PictureResampler {
 public:
  /// So many tokens, `width` wide.
  PictureResampler(const nn::Scope& scope, std::int64_t tokens, std::int64_t width);

  /// features [B, T, kPictureFeatures] -> [B, tokens, width].
  at::Tensor operator()(const at::Tensor& features) const;

 private:
  struct Layer {
    Layer(const nn::Scope& scope, std::int64_t width);
    /// What is added to `latents` [B, tokens, width].
    at::Tensor attend(const at::Tensor& x, const at::Tensor& latents) const;
    at::Tensor feed(const at::Tensor& latents) const;

    nn::LayerNorm norm_x, norm_latents;
    nn::Linear q, kv, out;
    nn::LayerNorm feed_norm;
    nn::Linear feed_in, feed_out;
  };

  const nn::Parameter* latents_;
  nn::Linear in_;
  std::vector<Layer> layers_;
  nn::Linear out_;
  nn::LayerNorm norm_out_;
};

}  // namespace lode::models
