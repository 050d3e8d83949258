// The Swin transformer (Liu et al. 2021, first version) as a backbone of four feature maps, as
// BiRefNet's models/backbones/swin_v1.py names and computes it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "nn/layers.h"
#include "nn/pass.h"

namespace lode::models {

/// T is {96, {2, 2, 6, 2}, {3, 6, 12, 24}, 7}; S has depths {2, 2, 18, 2}; B is {128, {2, 2, 18,
/// 2}, {4, 8, 16, 32}, 12} and L {192, {2, 2, 18, 2}, {6, 12, 24, 48}, 12}.
struct SwinConfig {
  std::int64_t width = 0;            ///< of the first stage; each stage doubles it
  std::vector<std::int64_t> depths;  ///< blocks of each stage
  std::vector<std::int64_t> heads;   ///< of each stage; divide its width
  std::int64_t window = 0;           ///< side of a window of attention, in tokens, at least 2

  std::int64_t stages() const { return static_cast<std::int64_t>(depths.size()); }
  std::int64_t stage_width(std::int64_t stage) const { return width << stage; }
};

/// Which tokens of a picture attend to each other: where each window's tokens lie, and who of a
/// window may see whom. Made once for a stage, for its blocks without and with a shift.
class SwinWindows {
 public:
  /// Windows of side `window` over height x width tokens, which are padded to the right and below
  /// to whole windows, then moved up and left around the edge by `shift`.
  SwinWindows(std::int64_t height, std::int64_t width, std::int64_t window, std::int64_t shift,
              const c10::Device& device);

  /// Windows that go through attention together. Those of one group have the same mask.
  struct Group {
    std::int64_t first = 0, count = 0;  ///< in windows
    at::Tensor tokens;   ///< int64 [count N], row-major places in the picture; 0 for padding
    at::Tensor padding;  ///< int64, which of these are padding
    at::Tensor mask;     ///< [N, N], 0 or -infinity; undefined where all see all
  };
  const std::vector<Group>& groups() const { return groups_; }
  /// int64 [height width]: where each token went, as window N + place in it.
  const at::Tensor& places() const { return places_; }
  std::int64_t windows() const { return windows_; }
  std::int64_t tokens_per_window() const { return tokens_per_window_; }

 private:
  std::int64_t windows_, tokens_per_window_;
  std::vector<Group> groups_;
  at::Tensor places_;
};

/// One transformer block: "norm1", "attn", "norm2", "mlp".
class SwinBlock {
 public:
  SwinBlock(const nn::Scope& scope, std::int64_t width, std::int64_t heads, std::int64_t window);
  /// x [B, height width, width], in place.
  void operator()(at::Tensor& x, const SwinWindows& windows) const;

 private:
  at::Tensor attend(const at::Tensor& x, const SwinWindows& windows) const;
  at::Tensor position_bias() const;  // [heads, N, N]

  std::int64_t width_, heads_, window_;
  nn::LayerNorm norm1_;
  const nn::Parameter* bias_table_;
  nn::Linear qkv_, proj_;
  nn::LayerNorm norm2_;
  nn::Linear fc1_, fc2_;
};

/// Parameters "patch_embed.*", "layers.*" and "norm*". Not differentiable: it works in place.
class Swin {
 public:
  Swin(const SwinConfig& config, const nn::Scope& scope);

  /// Of one picture, for each stage s: [B, stage_width(s), H / (4 2^s), W / (4 2^s)], sizes rounded
  /// up, in memory as [B, H, W, C].
  using Features = std::vector<at::Tensor>;
  /// Pictures [B, 3, H, W] of any sizes go through side by side, so that weights which are loaded
  /// for a block serve all of them.
  std::vector<Features> operator()(const std::vector<at::Tensor>& pictures, nn::Pass& pass) const;

  /// In the order of the forward pass.
  const std::vector<nn::Block>& blocks() const { return blocks_; }
  const SwinConfig& config() const { return config_; }

 private:
  /// Halves the picture: "norm", "reduction".
  struct Merging {
    Merging(const nn::Scope& scope, std::int64_t width);
    at::Tensor operator()(const at::Tensor& x) const;  // [B, H, W, C] -> [B, H', W', 2 C]

    nn::LayerNorm norm;
    nn::Linear reduction;
  };
  struct Stage {
    std::vector<SwinBlock> blocks;
    nn::LayerNorm norm;
    std::optional<Merging> merging;
  };

  at::Tensor embed(const at::Tensor& picture) const;  // -> [B, H, W, C]

  SwinConfig config_;
  nn::Conv2d patch_proj_;
  nn::LayerNorm patch_norm_;
  std::vector<Stage> stages_;
  std::vector<nn::Block> blocks_;
};

}  // namespace lode::models
