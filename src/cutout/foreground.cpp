#include "cutout/foreground.h"

#include <algorithm>

#include "cutout/box_blur_internal.h"

namespace lode::cutout {
namespace {

/// Keeps the quotients finite where a window holds nothing of a layer; the reference's value.
constexpr float kTiny = 1e-5F;

/// Picture, matte and the estimates of both layers, 0..1.
struct Layers {
  Plane image, alpha, front, back;
};

Layers layers_of(const image::Image& picture, const image::GreyImage& alpha) {
  const int width = picture.width, height = picture.height;
  Layers layers{{width, height, 3, {}}, {width, height, 1, {}}, {}, {}};
  layers.image.values.reserve(3 * alpha.pixels.size());
  layers.alpha.values.reserve(alpha.pixels.size());
  for (std::size_t i = 0; i < alpha.pixels.size(); ++i) {
    const std::uint8_t* pixel = &picture.pixels[i * static_cast<std::size_t>(picture.channels)];
    for (std::size_t c = 0; c < 3; ++c) {
      layers.image.values.push_back(static_cast<float>(pixel[c]) / 255);
    }
    layers.alpha.values.push_back(static_cast<float>(alpha.pixels[i]) / 255);
  }
  layers.front = layers.image;
  layers.back = layers.image;
  return layers;
}

/// One pass with a window of `size`: replaces front and back by better estimates.
void refine(Layers& layers, int size) {
  const std::vector<float>& alpha = layers.alpha.values;
  for (std::size_t i = 0; i < alpha.size(); ++i) {
    for (std::size_t c = 3 * i; c < 3 * i + 3; ++c) {
      layers.front.values[c] *= alpha[i];
      layers.back.values[c] *= 1 - alpha[i];
    }
  }
  Plane weight = layers.alpha;
  box_blur(weight, size);
  box_blur(layers.front, size);
  box_blur(layers.back, size);
  for (std::size_t i = 0; i < alpha.size(); ++i) {
    const float a = alpha[i], w = weight.values[i];
    for (std::size_t c = 3 * i; c < 3 * i + 3; ++c) {
      const float front = layers.front.values[c] / (w + kTiny);
      const float back = layers.back.values[c] / (1 - w + kTiny);
      const float rest = layers.image.values[c] - a * front - (1 - a) * back;
      layers.front.values[c] = std::clamp(front + a * rest, 0.0F, 1.0F);
      layers.back.values[c] = back;
    }
  }
}

}  // namespace

image::Image estimate_foreground(const image::Image& picture, const image::GreyImage& alpha,
                                 const ForegroundOptions& options) {
  LODE_ASSERT(picture.width == alpha.width && picture.height == alpha.height,
              "the matte is of the picture's size");
  Layers layers = layers_of(picture, alpha);
  refine(layers, options.coarse);
  refine(layers, options.fine);
  image::Image out(picture.width, picture.height, 4);
  for (std::size_t i = 0; i < alpha.pixels.size(); ++i) {
    std::uint8_t* pixel = &out.pixels[4 * i];
    const std::uint8_t* source = &picture.pixels[i * static_cast<std::size_t>(picture.channels)];
    for (std::size_t c = 0; c < 3; ++c) {
      pixel[c] = alpha.pixels[i] == 255
                     ? source[c]
                     : static_cast<std::uint8_t>(255 * layers.front.values[3 * i + c] + 0.5F);
    }
    pixel[3] = alpha.pixels[i];
  }
  return out;
}

}  // namespace lode::cutout
