// From latents to pictures, whole or in tiles.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <stop_token>

#include "models/autoencoder_kl.h"
#include "nn/pass.h"

namespace lode::flux {

struct TileOptions {
  std::int64_t side = 0;  ///< in latents; 0: all at once
  std::stop_token stop;   ///< throws nn::Cancelled between tiles
};

/// Latents [1, C, H, W], unscaled -> [1, 3, r H, r W], -1..1. Tiles overlap by a quarter of their
/// side and fade into each other linearly. They are not the same picture as the whole: norms and
/// attention see the tile alone.
at::Tensor decode(const models::KlDecoder& decoder, const at::Tensor& latents,
                  const TileOptions& options, nn::Pass& pass);

}  // namespace lode::flux
