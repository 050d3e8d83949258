#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/upsample_bicubic2d.h>
#include <ATen/ops/upsample_bilinear2d.h>

#include <array>
#include <vector>

#include "models/pictures.h"
#include "scorer/preprocess_internal.h"

namespace lode::scorer {

namespace {

using Channels = std::array<float, 3>;

// Of torchvision's ImageNet models.
constexpr Channels kImageNetMean{0.485F, 0.456F, 0.406F};
constexpr Channels kImageNetStd{0.229F, 0.224F, 0.225F};
constexpr float kEngineFactor = 3;  // alignment_scorer.py multiplies both by 3

constexpr std::int64_t kLpipsSide = 256;

at::Tensor per_channel(const Channels& values) {
  return at::tensor(at::ArrayRef<float>(values), at::TensorOptions(at::kFloat)).view({1, 3, 1, 1});
}

at::Tensor rounded(const at::Tensor& x, Preparation preparation) {
  return preparation == Preparation::engine ? x.to(at::kHalf).to(at::kFloat) : x;
}

at::Tensor engine_pixels(const image::Image& picture, std::int64_t side, Preparation preparation) {
  const at::Tensor whole = rounded(models::to_unit(picture), preparation);
  const at::Tensor small = rounded(at::upsample_bicubic2d(whole, {side, side}, false), preparation);
  const models::Normalisation clip = models::clip_normalisation();
  const at::Tensor mean = rounded(clip.mean * kEngineFactor, preparation);
  const at::Tensor std = rounded(clip.deviation * kEngineFactor, preparation);
  return rounded(rounded(small - mean, preparation) / std, preparation);
}

}  // namespace

at::Tensor clip_pixels(std::span<const image::Image> pictures, std::int64_t side,
                       Preparation preparation) {
  std::vector<at::Tensor> all;
  for (const image::Image& picture : pictures) {
    all.push_back(preparation == Preparation::official ? models::clip_pixels(picture, side)
                                                       : engine_pixels(picture, side, preparation));
  }
  return at::cat(all);
}

at::Tensor quality_pixels(std::span<const image::Image> pictures, std::int64_t side) {
  at::Tensor x = models::to_unit(pictures);
  if (x.size(2) != side || x.size(3) != side) {
    x = at::upsample_bilinear2d(x, {side, side}, false);
  }
  return (x - per_channel(kImageNetMean)) / per_channel(kImageNetStd);
}

at::Tensor lpips_pixels(std::span<const image::Image> pictures) {
  return at::upsample_bicubic2d(models::to_unit(pictures), {kLpipsSide, kLpipsSide}, false)
      .clamp(0, 1);
}

}  // namespace lode::scorer
