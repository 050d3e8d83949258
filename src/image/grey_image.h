// An 8-bit picture of one channel: masks, mattes, luma.
#pragma once

#include <cstdint>
#include <vector>

#include "base/assert.h"

namespace lode::image {

/// One byte a pixel, rows top to bottom; `pixels.size() == width * height` always holds. As a mask
/// or matte, 0 is background and 255 subject.
struct GreyImage {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> pixels;

  GreyImage() = default;
  /// A picture of one value. Sizes must be positive.
  GreyImage(int width_, int height_, std::uint8_t fill = 0) : width(width_), height(height_) {
    LODE_ASSERT(width > 0 && height > 0, "an image has at least one pixel");
    pixels.assign(static_cast<std::size_t>(width) * static_cast<std::size_t>(height), fill);
  }

  std::uint8_t at(int x, int y) const { return pixels[index(x, y)]; }
  std::uint8_t& at(int x, int y) { return pixels[index(x, y)]; }

 private:
  std::size_t index(int x, int y) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
           static_cast<std::size_t>(x);
  }
};

}  // namespace lode::image
