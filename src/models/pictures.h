// Pictures to networks and back.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

#include "image/image.h"

namespace lode::models {

/// [1, 3, H, W] in float32, 0..1. What is transparent is white.
at::Tensor to_unit(const image::Image& picture);
/// [N, 3, H, W], of pictures of one size.
at::Tensor to_unit(std::span<const image::Image> pictures);

/// [1, 3, 1, 1].
struct Normalisation {
  at::Tensor mean, deviation;
};
/// OpenAI's CLIP's, of values 0..1.
Normalisation clip_normalisation();

/// [1, 3, side, side], as transformers' CLIPImageProcessor prepares it: shortest edge to `side` by
/// Pillow's bicubic, centre crop, (x - mean) / deviation. What is transparent is white.
at::Tensor clip_pixels(const image::Image& picture, std::int64_t side);

/// Picture `index` of [B, 3, H, W], black at -1 and white at 1, in 8 bits as diffusers rounds:
/// clamped in the tensor's type, then to nearest, ties to even.
image::Image to_picture(const at::Tensor& decoded, std::int64_t index = 0);

}  // namespace lode::models
