// BiRefNet (Zheng et al. 2024), which RMBG-2.0 is too: the subject of a picture, as the public code
// names and computes it with a Swin backbone.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "models/swin.h"
#include "nn/deform_conv.h"
#include "nn/layers.h"
#include "nn/loader.h"
#include "nn/pass.h"
#include "weights/checkpoint.h"

namespace lode::models {

/// In which order the decoder's inputs stack the tiles of the picture as channels. A network that
/// was trained in one order runs in the other, and makes grainy mattes.
enum class PatchOrder {
  tile_major,    ///< (tile column, tile row, colour): RMBG-2.0, BiRefNet until November 2024
  channel_major  ///< (colour, tile row, tile column): BiRefNet since
};

/// Everything but the patch order shows in the shapes of the weights.
struct BirefnetConfig {
  SwinConfig backbone;            ///< of four stages
  std::int64_t inner = 64;        ///< channels inside a decoder block
  std::int64_t branch = 256;      ///< of each branch of its deformable pyramid
  std::int64_t patch_inner = 64;  ///< inside a block that takes tiles of the picture
  PatchOrder patch_order = PatchOrder::tile_major;
};

/// The config that these tensors' shapes tell. Errc::unsupported where a tensor that decides is
/// missing or no Swin of that kind has its shape: another backbone or another decoder. The patch
/// order is left as it is.
Result<BirefnetConfig> birefnet_config_of(const weights::Checkpoint& checkpoint);

/// What trained weights show of the order: the filters that take tiles of the picture answer to
/// brightness before colour, so the weights of one tile's three colours resemble each other. The
/// order in which they do is told where it is clearly ahead of the other; nothing for random
/// weights. Reads the first filters' values. A guess: no trained weights were at hand to test it.
std::optional<PatchOrder> patch_order_in_weights(const weights::Checkpoint& checkpoint);

/// What the reference's own code, which published folders hold as birefnet.py, says of the order:
/// the pattern "b (c hg wg) h w", or the function get_patches_batch. Nothing where it has neither.
/// Folders of weights from before November 2024 were given the newer code later.
std::optional<PatchOrder> patch_order_in_source(std::string_view source);

/// x [B, C, H, W] cut into tiles of rows x columns, which divide its size, stacked as channels:
/// [B, C H W / (rows columns), rows, columns].
at::Tensor birefnet_patches(const at::Tensor& x, std::int64_t rows, std::int64_t columns,
                            PatchOrder order);

/// "conv_in", "bn_in", ReLU, the deformable pyramid "dec_att", "conv_out", "bn_out".
class BirefnetDecoderBlock {
 public:
  BirefnetDecoderBlock(const nn::Scope& scope, const BirefnetConfig& config, std::int64_t in,
                       std::int64_t out);
  at::Tensor operator()(const at::Tensor& x) const;  // [B, in, H, W] -> [B, out, H, W]
  /// A 1x1 convolution `mix` of that, weight [1, out, 1, 1] and no bias, without the `out` channels
  /// ever being there: [B, 1, H, W].
  at::Tensor mixed(const at::Tensor& x, const at::Tensor& mix) const;

 private:
  struct Branch {
    Branch(const nn::Scope& scope, const BirefnetConfig& config, std::int64_t kernel);
    nn::DeformConv2d conv;
    nn::BatchNorm2d norm;
  };

  at::Tensor inside(const at::Tensor& x) const;
  at::Tensor pyramid(const at::Tensor& x) const;  // [B, inner, H, W] -> the same

  std::int64_t branch_width_;
  nn::Conv2d conv_in_;
  nn::BatchNorm2d norm_in_;
  std::vector<Branch> branches_;
  nn::Conv2d pool_conv_;
  nn::BatchNorm2d pool_norm_;
  nn::Conv2d join_;
  nn::BatchNorm2d join_norm_;
  nn::Conv2d conv_out_;
  nn::BatchNorm2d norm_out_;
};

/// Parameters "bb.*", "squeeze_module.0.*" and "decoder.*". Not differentiable: it works in place.
class Birefnet {
 public:
  /// Sides of a picture have to be multiples of this: the coarsest feature is 1/32 of its size.
  static constexpr std::int64_t kMultiple = 32;

  /// Ignores what is stored for training, and what can be worked out.
  static nn::LoadRules load_rules();

  Birefnet(const BirefnetConfig& config, const nn::Scope& scope);

  /// x [B, 3, H, W], normalised by ImageNet's mean and deviation -> logits [B, 1, H, W], positive
  /// where the subject is.
  at::Tensor operator()(const at::Tensor& x, nn::Pass& pass) const;

  /// What goes into the decoder's levels: [B, C, H / 2^(l + 2), W / 2^(l + 2)] for l = 0..3, of
  /// both scales, the last squeezed.
  std::vector<at::Tensor> encode(const at::Tensor& x, nn::Pass& pass) const;

  /// In the order of the forward pass.
  const std::vector<nn::Block>& blocks() const { return blocks_; }
  const BirefnetConfig& config() const { return config_; }

 private:
  /// Two convolutions 3x3 with nothing between, "conv1" and "conv_out".
  struct PatchBlock {
    PatchBlock(const nn::Scope& scope, const BirefnetConfig& config, std::int64_t in,
               std::int64_t out);
    at::Tensor operator()(const at::Tensor& x) const;
    at::Tensor mixed(const at::Tensor& x, const at::Tensor& mix) const;

    nn::Conv2d first, second;
  };
  /// A level of the decoder that is gated and handed to the next finer one.
  struct Level {
    Level(const nn::Scope& scope, const BirefnetConfig& config, std::int64_t level);

    PatchBlock patches;
    BirefnetDecoderBlock block;
    nn::Conv2d gate_conv;
    nn::BatchNorm2d gate_norm;
    nn::Conv2d gate;
    nn::Conv2d lateral;
  };

  at::Tensor decode(const Level& level, const at::Tensor& picture, const at::Tensor& x,
                    at::Tensor& finer) const;
  at::Tensor finish(const at::Tensor& picture, const at::Tensor& x) const;

  BirefnetConfig config_;
  Swin backbone_;
  BirefnetDecoderBlock squeeze_;
  std::vector<Level> levels_;  // coarsest first
  PatchBlock patches2_;        // of the finest level
  BirefnetDecoderBlock block1_;
  PatchBlock patches1_;  // at the picture's own size
  nn::Conv2d out_;
  std::vector<nn::Block> blocks_;
};

}  // namespace lode::models
