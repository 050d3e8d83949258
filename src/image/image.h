// An 8-bit picture in memory, with the few operations that need nothing but its pixels.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/result.h"

namespace lode::image {

/// Interleaved 8-bit pixels, rows top to bottom, sRGB as stored. `channels` is 3 (RGB) or 4 (RGBA,
/// straight alpha); `pixels.size() == width * height * channels` always holds.
struct Image {
  int width = 0;
  int height = 0;
  int channels = 3;
  std::vector<std::uint8_t> pixels;

  Image() = default;
  /// A picture of one value in every byte. Sizes must be positive, channels 3 or 4.
  Image(int width, int height, int channels, std::uint8_t fill = 0);

  const std::uint8_t* at(int x, int y) const {
    return &pixels[(static_cast<std::size_t>(y) * width + x) * channels];
  }
  std::uint8_t* at(int x, int y) {
    return &pixels[(static_cast<std::size_t>(y) * width + x) * channels];
  }
};

using Rgb = std::array<std::uint8_t, 3>;

/// RGBA over a plain background, as RGB; an RGB picture comes back unchanged.
Image composite_over(const Image& image, Rgb background);

/// Area-averaged when shrinking, bilinear when enlarging; alpha-weighted for RGBA so that the
/// colour of transparent pixels does not bleed. Sizes must be positive.
Image resize(const Image& image, int width, int height);

/// Tiles of one size and channel count, row-major in `columns` columns, with `gap` pixels of
/// `gap_colour` between them (none outside).
Image tile(const std::vector<Image>& tiles, int columns, int gap, Rgb gap_colour);

/// How two pictures of one size differ.
struct Difference {
  double psnr_db = 0;  ///< over all RGB values; +infinity for equal pictures
  double ssim = 0;     ///< mean SSIM of luma, 11x11 Gaussian window of sigma 1.5
  int max_abs = 0;     ///< largest difference of one value, 0..255
};

/// Compares RGB (alpha composited over white). Errc::invalid_input when the sizes differ.
Result<Difference> compare(const Image& a, const Image& b);

/// |a - b| of every RGB value times `amplification` (at least 1), cut off at 255; alpha as in
/// compare(), and the same error.
Result<Image> difference_picture(const Image& a, const Image& b, int amplification);

}  // namespace lode::image
