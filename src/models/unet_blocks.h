// What Stable Diffusion's U-Nets share, under diffusers' names or those of CompVis' code ("LDM").
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "nn/blocks.h"
#include "nn/layers.h"
#include "nn/pass.h"

namespace lode::models {

/// One resolution of a U-Net.
struct UnetLevel {
  std::int64_t channels = 0;
  std::int64_t resnets = 0;  ///< on the way down; one more on the way up
  std::int64_t heads = 0;    ///< of the attention behind each, dividing channels; 0: there is none
};

struct UnetShape {
  std::int64_t in_channels = 4;
  std::int64_t out_channels = 4;
  std::vector<UnetLevel> levels;   ///< finest first
  std::int64_t mid_heads = 0;      ///< of the attention in the middle
  std::int64_t context_width = 0;  ///< of what attention reads besides: CLIP's
  std::int64_t groups = 32;        ///< of the normalisations; divides every level's channels
  double norm_eps = 1e-5;          ///< of those in residual blocks and of the last

  /// Of the time embedding.
  std::int64_t time_width() const { return 4 * levels.front().channels; }
  /// Latents along a side of what the coarsest level sees as one: 8 for four levels.
  std::int64_t reduction() const { return std::int64_t{1} << (levels.size() - 1); }
};

/// ImageDream's: attention of its own to a picture's tokens, which follow the prompt's in the
/// context, added to the prompt's (as IP-Adapter has it).
struct PictureAttention {
  std::int64_t tokens = 0;  ///< 0: none
  double weight = 1;
};

/// "norm", "proj_in", "transformer_blocks.0.*" and "proj_out", added to x: attention over all
/// pixels of all views, then from each pixel to the context, then a feed-forward layer. The names
/// are the same in diffusers (Transformer2DModel) and MVDream (SpatialTransformer3D).
class SpatialTransformer {
 public:
  struct Options {
    std::int64_t channels = 0;
    std::int64_t heads = 0;  ///< divides channels
    std::int64_t context_width = 0;
    std::int64_t groups = 32;
    PictureAttention picture = {};
  };
  SpatialTransformer(const nn::Scope& scope, const Options& options);

  /// x [B, channels, h, w], context [B, T, context_width], of which the last picture.tokens are the
  /// picture's -> x's shape. Each `views` neighbours in the batch see one another.
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& context, std::int64_t views) const;

 private:
  class Attention {
   public:
    Attention(const nn::Scope& scope, const Options& options, std::int64_t context_width,
              const PictureAttention& picture);
    /// x [B, L, channels], context [B, T, context_width] -> [B, L, channels].
    at::Tensor operator()(const at::Tensor& x, const at::Tensor& context) const;

   private:
    std::int64_t heads_;
    PictureAttention picture_;
    nn::Linear q_, k_, v_, out_;
    std::optional<nn::Linear> picture_k_, picture_v_;
  };

  nn::GroupNorm norm_;
  nn::Linear in_;
  nn::LayerNorm norm1_, norm2_, norm3_;
  Attention self_, cross_;
  nn::FeedForward feed_forward_;
  nn::Linear out_;
};

/// Whose names the layers bear.
enum class UnetNames { diffusers, ldm };

/// All of a U-Net but its embeddings of time and cameras.
class UnetBody {
 public:
  UnetBody(const UnetShape& shape, UnetNames names, const PictureAttention& picture,
           const nn::Scope& scope);

  struct Input {
    at::Tensor latents;      ///< [B, in_channels, h, w]
    at::Tensor time;         ///< [B, time_width]
    at::Tensor context;      ///< [B, T, context_width]
    std::int64_t views = 1;  ///< that see one another; divides B
  };
  /// -> [B, out_channels, h, w]. Where a size is odd, the way up repeats the way down's.
  at::Tensor operator()(const Input& input, nn::Pass& pass) const;

  /// In the order of the forward pass: one for each residual block with its attention.
  const std::vector<nn::Block>& blocks() const { return blocks_; }

 private:
  /// What one block of parameters computes; what is there comes in this order.
  struct Unit {
    std::optional<nn::ResnetBlock2D> resnet;
    std::optional<SpatialTransformer> attention;
    std::optional<nn::ResnetBlock2D> second;  // of the middle alone
    std::optional<nn::Downsample2D> down;
    std::optional<nn::Upsample2D> up;
  };
  class Builder;

  nn::Conv2d conv_in_;
  std::vector<Unit> down_;
  Unit mid_;
  std::vector<Unit> up_;
  nn::GroupNorm norm_out_;
  nn::Conv2d conv_out_;
  std::vector<nn::Block> blocks_;
};

}  // namespace lode::models
