// Pictures to what each network of the scoring engine sees.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

#include "image/image.h"

namespace lode::scorer {

/// How a tower of CLIP wants its pictures.
enum class Preparation {
  engine,       ///< as the validators' engine prepares them, in float16
  engine_full,  ///< the same in float32
  official      ///< as the model was trained: transformers' CLIPImageProcessor
};

/// [N, 3, side, side], float32. Pictures with alpha are composited over white.
///
/// engine: / 255, squashed to the square by bicubic (a = -0.75) without antialiasing, then (x - 3
/// mean) / (3 std) with CLIP's mean and deviation, both three times what they should be
/// (alignment_scorer.py); every step rounded to float16 as a GPU rounds.
/// official: shortest edge to `side` by Pillow's bicubic, centre crop, (x - mean) / std.
at::Tensor clip_pixels(std::span<const image::Image> pictures, std::int64_t side,
                       Preparation preparation);

/// [N, 3, side, side], float32: / 255, squashed by bilinear without antialiasing where the size
/// differs, ImageNet's mean and deviation (quality_model.py). All pictures have one size.
at::Tensor quality_pixels(std::span<const image::Image> pictures, std::int64_t side);

/// [N, 3, 256, 256], float32, 0..1: bicubic without antialiasing, clipped (similarity_scorer.py).
/// All pictures have one size.
at::Tensor lpips_pixels(std::span<const image::Image> pictures);

}  // namespace lode::scorer
