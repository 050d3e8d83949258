#include "image/image.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"

namespace lode::image {
namespace {

/// How one output sample mixes a run of input samples along an axis.
struct Taps {
  int first = 0;
  std::vector<float> weights;  // sum 1
};

/// Area weights when shrinking, bilinear between pixel centres when enlarging.
std::vector<Taps> axis_taps(int from, int to) {
  std::vector<Taps> taps(to);
  const double ratio = static_cast<double>(from) / to;
  for (int i = 0; i < to; ++i) {
    Taps& tap = taps[i];
    if (ratio > 1) {
      const double begin = i * ratio, end = (i + 1) * ratio;
      tap.first = static_cast<int>(begin);
      const int last = std::min(from - 1, static_cast<int>(std::ceil(end)) - 1);
      for (int j = tap.first; j <= last; ++j) {
        const double covered = std::min<double>(end, j + 1) - std::max<double>(begin, j);
        tap.weights.push_back(static_cast<float>(covered / ratio));
      }
    } else {
      const double centre = std::clamp((i + 0.5) * ratio - 0.5, 0.0, from - 1.0);
      tap.first = std::min(static_cast<int>(centre), std::max(0, from - 2));
      const auto next = static_cast<float>(centre - tap.first);
      tap.weights = {1 - next};
      if (from > 1) {
        tap.weights.push_back(next);
      }
    }
  }
  return taps;
}

/// Pixels as floats, colours multiplied by alpha/255 where there is alpha.
std::vector<float> premultiplied(const Image& image) {
  std::vector<float> values(image.pixels.begin(), image.pixels.end());
  if (image.channels == 4) {
    for (std::size_t i = 0; i < values.size(); i += 4) {
      for (int c = 0; c < 3; ++c) {
        values[i + c] *= values[i + 3] / 255;
      }
    }
  }
  return values;
}

/// Applies taps along x to every row: [height, from, channels] -> [height, to, channels].
std::vector<float> resample_rows(const std::vector<float>& in, int from, int height, int channels,
                                 const std::vector<Taps>& taps) {
  std::vector<float> out(static_cast<std::size_t>(height) * taps.size() * channels, 0.0F);
  float* target = out.data();
  for (int y = 0; y < height; ++y) {
    const float* row = &in[static_cast<std::size_t>(y) * from * channels];
    for (const Taps& tap : taps) {
      const float* source = row + static_cast<std::size_t>(tap.first) * channels;
      for (const float weight : tap.weights) {
        for (int c = 0; c < channels; ++c) {
          target[c] += weight * *source++;
        }
      }
      target += channels;
    }
  }
  return out;
}

/// Applies taps along y: [from, row_length] -> [to, row_length].
std::vector<float> resample_columns(const std::vector<float>& in, std::size_t row_length,
                                    const std::vector<Taps>& taps) {
  std::vector<float> out(taps.size() * row_length, 0.0F);
  for (std::size_t y = 0; y < taps.size(); ++y) {
    float* target = &out[y * row_length];
    for (std::size_t k = 0; k < taps[y].weights.size(); ++k) {
      const float weight = taps[y].weights[k];
      const float* source = &in[(taps[y].first + k) * row_length];
      for (std::size_t i = 0; i < row_length; ++i) {
        target[i] += weight * source[i];
      }
    }
  }
  return out;
}

std::uint8_t to_byte(float value) {
  return static_cast<std::uint8_t>(std::clamp(value + 0.5F, 0.0F, 255.0F));
}

}  // namespace

Image::Image(int width_, int height_, int channels_, std::uint8_t fill)
    : width(width_), height(height_), channels(channels_) {
  LODE_ASSERT(width > 0 && height > 0, "an image has at least one pixel");
  LODE_ASSERT(channels == 3 || channels == 4, "an image is RGB or RGBA");
  pixels.assign(static_cast<std::size_t>(width) * height * channels, fill);
}

Image composite_over(const Image& image, Rgb background) {
  if (image.channels == 3) {
    return image;
  }
  Image out(image.width, image.height, 3);
  std::uint8_t* target = out.pixels.data();
  for (std::size_t i = 0; i < image.pixels.size(); i += 4) {
    const int alpha = image.pixels[i + 3];
    for (int c = 0; c < 3; ++c) {
      const int mixed = image.pixels[i + c] * alpha + background[c] * (255 - alpha);
      *target++ = static_cast<std::uint8_t>((mixed + 127) / 255);
    }
  }
  return out;
}

Image resize(const Image& image, int width, int height) {
  Image out(width, height, image.channels);
  const std::vector<float> rows = resample_rows(premultiplied(image), image.width, image.height,
                                                image.channels, axis_taps(image.width, width));
  const std::vector<float> values = resample_columns(
      rows, static_cast<std::size_t>(width) * image.channels, axis_taps(image.height, height));
  for (std::size_t i = 0; i < values.size(); i += image.channels) {
    float unmultiply = 1;
    if (image.channels == 4) {
      out.pixels[i + 3] = to_byte(values[i + 3]);
      unmultiply = values[i + 3] > 0 ? 255 / values[i + 3] : 0;
    }
    for (int c = 0; c < 3; ++c) {
      out.pixels[i + c] = to_byte(values[i + c] * unmultiply);
    }
  }
  return out;
}

Image tile(const std::vector<Image>& tiles, int columns, int gap, Rgb gap_colour) {
  LODE_ASSERT(!tiles.empty() && columns > 0 && gap >= 0, "a sheet has tiles and columns");
  const Image& first = tiles.front();
  const int rows = (static_cast<int>(tiles.size()) + columns - 1) / columns;
  Image sheet(columns * (first.width + gap) - gap, rows * (first.height + gap) - gap,
              first.channels, 255);
  for (std::size_t i = 0; i < sheet.pixels.size(); i += sheet.channels) {
    std::copy(gap_colour.begin(), gap_colour.end(), &sheet.pixels[i]);
  }
  for (std::size_t i = 0; i < tiles.size(); ++i) {
    const Image& part = tiles[i];
    LODE_ASSERT(
        part.width == first.width && part.height == first.height && part.channels == first.channels,
        "tiles of a sheet have one shape");
    const int left = static_cast<int>(i % columns) * (first.width + gap);
    const int top = static_cast<int>(i / columns) * (first.height + gap);
    for (int y = 0; y < part.height; ++y) {
      std::copy_n(part.at(0, y), static_cast<std::size_t>(part.width) * part.channels,
                  sheet.at(left, top + y));
    }
  }
  return sheet;
}

}  // namespace lode::image
