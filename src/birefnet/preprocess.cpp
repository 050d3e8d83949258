#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/sigmoid.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "birefnet/birefnet_matter.h"
#include "birefnet/preprocess_internal.h"
#include "image/pil_resize.h"

namespace lode::birefnet {

namespace {

// torchvision.transforms.Normalize as every example of BiRefNet and RMBG-2.0 has it.
constexpr std::array kMean = {0.485F, 0.456F, 0.406F};
constexpr std::array kDeviation = {0.229F, 0.224F, 0.225F};

image::Image without_alpha(const image::Image& picture) {
  if (picture.channels == 3) {
    return picture;
  }
  image::Image out(picture.width, picture.height, 3);
  for (std::size_t i = 0; i < out.pixels.size(); ++i) {
    out.pixels[i] = picture.pixels[i / 3 * 4 + i % 3];
  }
  return out;
}

int round_up(double side) {
  const int whole = static_cast<int>(std::lround(side));
  return std::clamp((whole + kMultiple - 1) / kMultiple * kMultiple, kMultiple, kMostSide);
}

}  // namespace

Size network_size(const Size& picture, const std::optional<int>& side) {
  if (side) {
    return {*side, *side};
  }
  const double longest = std::max(picture.width, picture.height);
  const double scale = std::min(1.0, kMostSide / longest);
  return {round_up(picture.width * scale), round_up(picture.height * scale)};
}

at::Tensor to_network(const image::Image& picture, const Size& size) {
  const image::Image resized = image::pil_resize(without_alpha(picture), size.width, size.height,
                                                 image::PilFilter::bilinear);
  const auto pixels = static_cast<std::size_t>(size.width) * static_cast<std::size_t>(size.height);
  const at::Tensor out = at::empty({1, 3, size.height, size.width}, at::TensorOptions(at::kFloat));
  auto* to = out.data_ptr<float>();
  for (std::size_t c = 0; c < 3; ++c) {
    std::array<float, 256> value;
    for (std::size_t v = 0; v < value.size(); ++v) {
      value[v] = (static_cast<float>(v) / 255.0F - kMean[c]) / kDeviation[c];
    }
    for (std::size_t i = 0; i < pixels; ++i) {
      to[c * pixels + i] = value[resized.pixels[3 * i + c]];
    }
  }
  return out;
}

image::GreyImage from_network(const at::Tensor& logits) {
  const at::Tensor bytes = at::sigmoid(logits).mul_(255).to(at::kByte).contiguous();
  image::GreyImage out(static_cast<int>(logits.size(3)), static_cast<int>(logits.size(2)));
  std::copy_n(bytes.data_ptr<std::uint8_t>(), out.pixels.size(), out.pixels.begin());
  return out;
}

}  // namespace lode::birefnet
