#include "image/pil_resize.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>

namespace lode::image {
namespace {

/// Pillow keeps 8 bits for the value and 2 for sums outside 0..1 out of the 32 of an int.
constexpr int kPrecisionBits = 32 - 8 - 2;
constexpr int kHalf = 1 << (kPrecisionBits - 1);

double triangle(double x) {
  x = std::abs(x);
  return x < 1 ? 1 - x : 0;
}

/// Keys' cubic convolution, a = -0.5, in Pillow's order of operations.
double cubic(double x) {
  constexpr double kA = -0.5;
  x = std::abs(x);
  if (x < 1) {
    return ((kA + 2) * x - (kA + 3)) * x * x + 1;
  }
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * kA : 0;
}

double sinc(double x) {
  if (x == 0) {
    return 1;
  }
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double weight_at(PilFilter filter, double x) {
  switch (filter) {
    case PilFilter::box:
      return x > -0.5 && x <= 0.5 ? 1 : 0;
    case PilFilter::bilinear:
      return triangle(x);
    case PilFilter::bicubic:
      return cubic(x);
    case PilFilter::lanczos:
      return -3 <= x && x < 3 ? sinc(x) * sinc(x / 3) : 0;
  }
  return 0;
}

double support_of(PilFilter filter) {
  switch (filter) {
    case PilFilter::box:
      return 0.5;
    case PilFilter::bilinear:
      return 1;
    case PilFilter::bicubic:
      return 2;
    case PilFilter::lanczos:
      return 3;
  }
  return 0;
}

/// The weights of one output sample over a run of input samples.
struct Taps {
  int first = 0;
  std::vector<std::int32_t> weights;  // fixed point, kPrecisionBits after the point
};

std::vector<Taps> taps_of(int from, int to, PilFilter filter) {
  const double scale = static_cast<double>(from) / to;
  const double stretch = std::max(scale, 1.0);
  const double support = support_of(filter) * stretch, step = 1 / stretch;
  std::vector<Taps> taps(static_cast<std::size_t>(to));
  std::vector<double> weights;
  for (int i = 0; i < to; ++i) {
    const double centre = (i + 0.5) * scale;
    const int first = std::max(0, static_cast<int>(centre - support + 0.5));
    const int end = std::min(from, static_cast<int>(centre + support + 0.5));
    weights.clear();
    double sum = 0;
    for (int j = first; j < end; ++j) {
      weights.push_back(weight_at(filter, (j - centre + 0.5) * step));
      sum += weights.back();
    }
    Taps& tap = taps[static_cast<std::size_t>(i)];
    tap.first = first;
    for (const double weight : weights) {
      const double fixed = (sum != 0 ? weight / sum : weight) * (1 << kPrecisionBits);
      tap.weights.push_back(static_cast<std::int32_t>(fixed < 0 ? fixed - 0.5 : fixed + 0.5));
    }
  }
  return taps;
}

std::uint8_t to_byte(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kPrecisionBits, 0, 255));
}

using Values = std::vector<std::uint8_t>;

/// [height, from, Channels] -> [height, taps, Channels].
template <int Channels>
Values resample_rows(const Values& in, int from, int height, const std::vector<Taps>& taps) {
  const std::size_t row_in = static_cast<std::size_t>(from) * Channels;
  Values out(static_cast<std::size_t>(height) * taps.size() * Channels);
  std::uint8_t* target = out.data();
  for (int y = 0; y < height; ++y) {
    const std::uint8_t* row = in.data() + static_cast<std::size_t>(y) * row_in;
    for (const Taps& tap : taps) {
      std::int32_t sums[Channels];
      std::fill_n(sums, Channels, kHalf);
      const std::uint8_t* source = row + static_cast<std::size_t>(tap.first) * Channels;
      for (const std::int32_t weight : tap.weights) {
        for (int c = 0; c < Channels; ++c) {
          sums[c] += weight * source[c];
        }
        source += Channels;
      }
      for (int c = 0; c < Channels; ++c) {
        *target++ = to_byte(sums[c]);
      }
    }
  }
  return out;
}

/// [from, row] -> [taps, row]; `row` counts values, not pixels.
Values resample_columns(const Values& in, std::size_t row, const std::vector<Taps>& taps) {
  Values out(taps.size() * row);
  std::vector<std::int32_t> sums(row);
  std::uint8_t* target = out.data();
  for (const Taps& tap : taps) {
    std::fill(sums.begin(), sums.end(), kHalf);
    const std::uint8_t* source = in.data() + static_cast<std::size_t>(tap.first) * row;
    for (const std::int32_t weight : tap.weights) {
      for (std::size_t i = 0; i < row; ++i) {
        sums[i] += weight * source[i];
      }
      source += row;
    }
    for (const std::int32_t sum : sums) {
      *target++ = to_byte(sum);
    }
  }
  return out;
}

/// Sizes of a resize.
struct Shape {
  int width, height, to_width, to_height;
};

/// Both passes; one whose size stays is left out, as Pillow does.
template <int Channels>
Values resample(Values values, const Shape& shape, PilFilter filter) {
  if (shape.to_width != shape.width) {
    values = resample_rows<Channels>(values, shape.width, shape.height,
                                     taps_of(shape.width, shape.to_width, filter));
  }
  if (shape.to_height != shape.height) {
    values = resample_columns(values, static_cast<std::size_t>(shape.to_width) * Channels,
                              taps_of(shape.height, shape.to_height, filter));
  }
  return values;
}

/// Pillow's conversion RGBA -> RGBa: a * b / 255, rounded.
void premultiply(Values& values) {
  for (std::size_t i = 0; i < values.size(); i += 4) {
    for (std::size_t c = 0; c < 3; ++c) {
      const int product = values[i + c] * values[i + 3] + 128;
      values[i + c] = static_cast<std::uint8_t>(((product >> 8) + product) >> 8);
    }
  }
}

/// Pillow's conversion RGBa -> RGBA: rounded down; colours of alpha 0 and 255 stay.
void unpremultiply(Values& values) {
  for (std::size_t i = 0; i < values.size(); i += 4) {
    const int alpha = values[i + 3];
    for (std::size_t c = 0; c < 3 && alpha != 0 && alpha != 255; ++c) {
      values[i + c] = static_cast<std::uint8_t>(std::min(255, 255 * values[i + c] / alpha));
    }
  }
}

}  // namespace

Image pil_resize(const Image& image, int width, int height, PilFilter filter) {
  LODE_ASSERT(width > 0 && height > 0, "an image has at least one pixel");
  const Shape shape{image.width, image.height, width, height};
  Image out;
  out.width = width;
  out.height = height;
  out.channels = image.channels;
  if (width == image.width && height == image.height) {
    out.pixels = image.pixels;
  } else if (image.channels == 4) {
    Values values = image.pixels;
    premultiply(values);
    out.pixels = resample<4>(std::move(values), shape, filter);
    unpremultiply(out.pixels);
  } else {
    out.pixels = resample<3>(image.pixels, shape, filter);
  }
  return out;
}

GreyImage pil_resize(const GreyImage& image, int width, int height, PilFilter filter) {
  LODE_ASSERT(width > 0 && height > 0, "an image has at least one pixel");
  GreyImage out;
  out.width = width;
  out.height = height;
  out.pixels = resample<1>(image.pixels, {image.width, image.height, width, height}, filter);
  return out;
}

}  // namespace lode::image
