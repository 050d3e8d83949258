#include "models/pictures.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <array>
#include <vector>

#include "image/pil_resize.h"

namespace lode::models {

namespace {

at::Tensor per_channel(const std::array<float, 3>& values) {
  return at::tensor(at::ArrayRef<float>(values), at::TensorOptions(at::kFloat)).view({1, 3, 1, 1});
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

}  // namespace

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

Normalisation clip_normalisation() {
  return {per_channel({0.48145466F, 0.4578275F, 0.40821073F}),
          per_channel({0.26862954F, 0.26130258F, 0.27577711F})};
}

at::Tensor clip_pixels(const image::Image& picture, std::int64_t side) {
  const image::Image rgb = image::composite_over(picture, {255, 255, 255});
  const std::int64_t shortest = std::min(rgb.width, rgb.height);
  const auto scaled = [&](int length) { return static_cast<int>(side * length / shortest); };
  const image::Image resized =
      image::pil_resize(rgb, scaled(rgb.width), scaled(rgb.height), image::PilFilter::bicubic);
  const Normalisation clip = clip_normalisation();
  const at::Tensor x = to_unit(crop_centre(resized, static_cast<int>(side)));
  return (x - clip.mean) / clip.deviation;
}

image::Image to_picture(const at::Tensor& decoded, std::int64_t index) {
  const at::Tensor bytes = (decoded[index] * 0.5 + 0.5)
                               .clamp(0.0, 1.0)
                               .to(at::kCPU, at::kFloat)
                               .mul(255.0)
                               .round()
                               .to(at::kByte)
                               .permute({1, 2, 0})
                               .contiguous();
  image::Image picture(static_cast<int>(bytes.size(1)), static_cast<int>(bytes.size(0)), 3);
  const auto* data = bytes.data_ptr<std::uint8_t>();
  std::copy_n(data, picture.pixels.size(), picture.pixels.begin());
  return picture;
}

}  // namespace lode::models
