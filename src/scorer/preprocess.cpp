#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/upsample_bicubic2d.h>
#include <ATen/ops/upsample_bilinear2d.h>

#include <algorithm>
#include <array>
#include <vector>

#include "image/pil_resize.h"
#include "scorer/preprocess_internal.h"

namespace lode::scorer {

namespace {

using Channels = std::array<float, 3>;

// OpenAI's CLIP and torchvision's ImageNet models.
constexpr Channels kClipMean{0.48145466F, 0.4578275F, 0.40821073F};
constexpr Channels kClipStd{0.26862954F, 0.26130258F, 0.27577711F};
constexpr Channels kImageNetMean{0.485F, 0.456F, 0.406F};
constexpr Channels kImageNetStd{0.229F, 0.224F, 0.225F};
constexpr float kEngineFactor = 3;  // alignment_scorer.py multiplies both by 3

constexpr std::int64_t kLpipsSide = 256;

at::Tensor per_channel(const Channels& values) {
  return at::tensor(at::ArrayRef<float>(values), at::TensorOptions(at::kFloat)).view({1, 3, 1, 1});
}

/// [1, 3, H, W] in float32, 0..1.
at::Tensor to_unit(const image::Image& picture) {
  const image::Image rgb = image::composite_over(picture, {255, 255, 255});
  at::Tensor bytes = at::empty({1, rgb.height, rgb.width, 3}, at::TensorOptions(at::kByte));
  std::ranges::copy(rgb.pixels, bytes.data_ptr<std::uint8_t>());
  return (bytes.to(at::kFloat) / 255).permute({0, 3, 1, 2}).contiguous();
}

at::Tensor to_unit(std::span<const image::Image> pictures) {
  std::vector<at::Tensor> all;
  for (const image::Image& picture : pictures) {
    all.push_back(to_unit(picture));
  }
  return at::cat(all);
}

at::Tensor rounded(const at::Tensor& x, Preparation preparation) {
  return preparation == Preparation::engine ? x.to(at::kHalf).to(at::kFloat) : x;
}

at::Tensor engine_pixels(const image::Image& picture, std::int64_t side, Preparation preparation) {
  const at::Tensor whole = rounded(to_unit(picture), preparation);
  const at::Tensor small = rounded(at::upsample_bicubic2d(whole, {side, side}, false), preparation);
  const at::Tensor mean = rounded(per_channel(kClipMean) * kEngineFactor, preparation);
  const at::Tensor std = rounded(per_channel(kClipStd) * kEngineFactor, preparation);
  return rounded(rounded(small - mean, preparation) / std, preparation);
}

image::Image crop_centre(const image::Image& picture, int side) {
  image::Image cropped(side, side, 3);
  const int left = (picture.width - side) / 2;
  const int top = (picture.height - side) / 2;
  for (int y = 0; y < side; ++y) {
    std::copy_n(picture.at(left, top + y), 3 * side, cropped.at(0, y));
  }
  return cropped;
}

at::Tensor official_pixels(const image::Image& picture, std::int64_t side) {
  const image::Image rgb = image::composite_over(picture, {255, 255, 255});
  const std::int64_t shortest = std::min(rgb.width, rgb.height);
  const auto scaled = [&](int length) { return static_cast<int>(side * length / shortest); };
  const image::Image resized =
      image::pil_resize(rgb, scaled(rgb.width), scaled(rgb.height), image::PilFilter::bicubic);
  const at::Tensor x = to_unit(crop_centre(resized, static_cast<int>(side)));
  return (x - per_channel(kClipMean)) / per_channel(kClipStd);
}

}  // namespace

at::Tensor clip_pixels(std::span<const image::Image> pictures, std::int64_t side,
                       Preparation preparation) {
  std::vector<at::Tensor> all;
  for (const image::Image& picture : pictures) {
    all.push_back(preparation == Preparation::official ? official_pixels(picture, side)
                                                       : engine_pixels(picture, side, preparation));
  }
  return at::cat(all);
}

at::Tensor quality_pixels(std::span<const image::Image> pictures, std::int64_t side) {
  at::Tensor x = to_unit(pictures);
  if (x.size(2) != side || x.size(3) != side) {
    x = at::upsample_bilinear2d(x, {side, side}, false);
  }
  return (x - per_channel(kImageNetMean)) / per_channel(kImageNetStd);
}

at::Tensor lpips_pixels(std::span<const image::Image> pictures) {
  return at::upsample_bicubic2d(to_unit(pictures), {kLpipsSide, kLpipsSide}, false).clamp(0, 1);
}

}  // namespace lode::scorer
