// Mattes and pictures that the tests of this folder share.
#pragma once

#include <algorithm>
#include <cmath>

#include "base/rng.h"
#include "image/grey_image.h"
#include "image/image.h"

namespace lode::cutout::test {

inline void fill_box(image::GreyImage& alpha, int left, int top, int width, int height,
                     std::uint8_t value = 255) {
  for (int y = top; y < top + height; ++y) {
    for (int x = left; x < left + width; ++x) {
      alpha.at(x, y) = value;
    }
  }
}

/// A disc in the middle whose edge is `softness` pixels wide.
inline image::GreyImage disc(int side, double radius, double softness) {
  image::GreyImage alpha(side, side);
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      const double r = std::hypot(x - 0.5 * (side - 1), y - 0.5 * (side - 1));
      const double inside = std::clamp((radius - r) / softness + 0.5, 0.0, 1.0);
      alpha.at(x, y) = static_cast<std::uint8_t>(std::lround(255 * inside));
    }
  }
  return alpha;
}

/// `front` over `back` by the matte.
inline image::Image composite(const image::GreyImage& alpha, image::Rgb front, image::Rgb back) {
  image::Image out(alpha.width, alpha.height, 3);
  for (std::size_t i = 0; i < alpha.pixels.size(); ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      const double a = alpha.pixels[i] / 255.0;
      out.pixels[3 * i + c] =
          static_cast<std::uint8_t>(std::lround(a * front[c] + (1 - a) * back[c]));
    }
  }
  return out;
}

/// Waves of brown with noise, like a wooden table.
inline image::Image textured_ground(int width, int height) {
  image::Image out(width, height, 3);
  Rng rng(7);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double wave = std::sin(x / 9.0 + 3 * std::sin(y / 40.0));
      const double base[3] = {120 + 30 * wave, 80 + 20 * wave, 45};
      for (int c = 0; c < 3; ++c) {
        const double noise = 24 * (rng.uniform() - 0.5);
        out.at(x, y)[c] = static_cast<std::uint8_t>(std::clamp(base[c] + noise, 0.0, 255.0));
      }
    }
  }
  return out;
}

}  // namespace lode::cutout::test
