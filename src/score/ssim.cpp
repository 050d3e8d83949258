// Separable Gaussian windows over planes, and the SSIM made of them.
#include "score/ssim.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <utility>

#include "base/assert.h"

namespace lode::score {
namespace {

constexpr int kRadius = 5;
constexpr int kChannels = 3;
constexpr float kSigma = 1.5F;
constexpr float kC1 = 0.01F * 0.01F, kC2 = 0.03F * 0.03F;  // (k * data_range)^2

/// Weights at distance 0..5; the window is symmetric.
std::array<float, kRadius + 1> window_weights() {
  std::array<float, kRadius + 1> weights{};
  float total = 0;
  for (int k = -kRadius; k <= kRadius; ++k) {
    const float x = static_cast<float>(k) / kSigma;
    weights[std::abs(k)] = std::exp(-x * x / 2);
    total += weights[std::abs(k)];
  }
  for (float& weight : weights) {
    weight /= total;
  }
  return weights;
}

/// Index into 0..length-1 of a position up to `length - 1` outside, mirrored about the end samples.
int reflected(int i, int length) {
  if (i < 0) {
    return -i;
  }
  return i < length ? i : 2 * (length - 1) - i;
}

/// Windows one picture size; holds the scratch memory, so that nothing is allocated a plane.
class Window {
 public:
  Window(int width, int height)
      : width_(width),
        height_(height),
        padded_(width + 2 * kRadius),
        rows_(static_cast<std::size_t>(width) * height) {}

  /// One plane [height, width] into another; they may be the same.
  void apply(const float* in, float* out) {
    for (int y = 0; y < height_; ++y) {
      along_row(in + row(y), rows_.data() + row(y));
    }
    for (int y = 0; y < height_; ++y) {
      across_rows(y, out + row(y));
    }
  }

 private:
  std::size_t row(int y) const { return static_cast<std::size_t>(y) * width_; }

  void along_row(const float* in, float* __restrict out) {
    const auto weights = weights_;  // a copy, which `out` cannot overlap
    float* padded = padded_.data();
    std::copy(in, in + width_, padded + kRadius);
    for (int k = 1; k <= kRadius; ++k) {
      padded[kRadius - k] = in[reflected(-k, width_)];
      padded[kRadius + width_ - 1 + k] = in[reflected(width_ - 1 + k, width_)];
    }
    const float* centre = padded + kRadius;
    for (int x = 0; x < width_; ++x) {
      float sum = weights[0] * centre[x];
      for (int k = 1; k <= kRadius; ++k) {
        sum += weights[k] * (centre[x - k] + centre[x + k]);
      }
      out[x] = sum;
    }
  }

  void across_rows(int y, float* __restrict out) const {
    const auto weights = weights_;
    std::array<const float*, 2 * kRadius + 1> lines{};
    for (int k = -kRadius; k <= kRadius; ++k) {
      lines[k + kRadius] = rows_.data() + row(reflected(y + k, height_));
    }
    for (int x = 0; x < width_; ++x) {
      float sum = weights[0] * lines[kRadius][x];
      for (int k = 1; k <= kRadius; ++k) {
        sum += weights[k] * (lines[kRadius - k][x] + lines[kRadius + k][x]);
      }
      out[x] = sum;
    }
  }

  const std::array<float, kRadius + 1> weights_ = window_weights();
  int width_, height_;
  std::vector<float> padded_, rows_;
};

/// Subtracted from every value before the windows, which leaves variances as they are: a renderer's
/// white background becomes exactly 0, and the rounding of E[x^2] - mean^2, which in float32 moves
/// the SSIM of mostly white views by 1e-3, is gone where it hurt most.
constexpr float kOrigin = 1;

/// A picture less kOrigin with its windowed mean and variance, all [3, H, W].
struct Statistics {
  Planes picture;
  std::vector<float> mean, variance;
};

Statistics statistics_of(Planes picture, Window& window) {
  const std::size_t plane = picture.values.size() / kChannels;
  Statistics result{std::move(picture), {}, {}};
  std::vector<float>& values = result.picture.values;
  std::transform(values.begin(), values.end(), values.begin(), [](float v) { return v - kOrigin; });
  result.mean.resize(values.size());
  result.variance.resize(values.size());
  std::transform(values.begin(), values.end(), result.variance.begin(),
                 [](float v) { return v * v; });
  for (int c = 0; c < kChannels; ++c) {
    window.apply(&values[c * plane], &result.mean[c * plane]);
    window.apply(&result.variance[c * plane], &result.variance[c * plane]);
  }
  std::transform(result.variance.begin(), result.variance.end(), result.mean.begin(),
                 result.variance.begin(),
                 [](float square, float mean) { return std::max(0.0F, square - mean * mean); });
  return result;
}

/// One row's sum; a float holds a few hundred values near 1 to six digits, rows add up in double.
float row_sum(const float* mx, const float* my, const float* vx, const float* vy, const float* xy,
              int width) {
  constexpr int kLanes = 8;  // independent sums, which the compiler may keep in one register
  std::array<float, kLanes> sums{};
  const auto similarity = [&](int i) {
    const float covariance = xy[i] - mx[i] * my[i];
    const float x = mx[i] + kOrigin, y = my[i] + kOrigin;
    return (2 * x * y + kC1) * (2 * covariance + kC2) /
           ((x * x + y * y + kC1) * (vx[i] + vy[i] + kC2));
  };
  int i = 0;
  for (; i + kLanes <= width; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) {
      sums[lane] += similarity(i + lane);
    }
  }
  for (; i < width; ++i) {
    sums[0] += similarity(i);
  }
  float sum = 0;
  for (const float lane : sums) {
    sum += lane;
  }
  return sum;
}

double similarity(const Statistics& a, const Statistics& b, Window& window) {
  const int width = a.picture.width, height = a.picture.height;
  const std::size_t plane = static_cast<std::size_t>(width) * height;
  std::vector<float> products(plane);
  double sum = 0;
  for (int c = 0; c < kChannels; ++c) {
    const std::size_t at = c * plane;
    std::transform(a.picture.values.begin() + static_cast<std::ptrdiff_t>(at),
                   a.picture.values.begin() + static_cast<std::ptrdiff_t>(at + plane),
                   b.picture.values.begin() + static_cast<std::ptrdiff_t>(at), products.begin(),
                   std::multiplies<>());
    window.apply(products.data(), products.data());
    for (int y = 0; y < height; ++y) {
      const std::size_t line = static_cast<std::size_t>(y) * width;
      sum += row_sum(&a.mean[at + line], &b.mean[at + line], &a.variance[at + line],
                     &b.variance[at + line], &products[line], width);
    }
  }
  return sum / static_cast<double>(kChannels * plane);
}

Result<void> validate(int width, int height, int other_width, int other_height) {
  if (width != other_width || height != other_height) {
    return fail(Errc::invalid_input,
                fmt::format("pictures for SSIM: one size expected, got {}x{} and {}x{}", width,
                            height, other_width, other_height));
  }
  if (std::min(width, height) < kMinSsimSide) {
    return fail(Errc::invalid_input,
                fmt::format("pictures for SSIM: at least {0}x{0} expected, got {1}x{2}",
                            kMinSsimSide, width, height));
  }
  return {};
}

}  // namespace

Planes to_planes(const image::Image& image) {
  const std::size_t plane = static_cast<std::size_t>(image.width) * image.height;
  Planes planes{image.width, image.height, std::vector<float>(kChannels * plane)};
  for (std::size_t i = 0; i < plane; ++i) {
    for (int c = 0; c < kChannels; ++c) {
      planes.values[c * plane + i] =
          static_cast<float>(image.pixels[i * image.channels + c]) / 255.0F;
    }
  }
  return planes;
}

Result<double> ssim(const Planes& a, const Planes& b) {
  LODE_CHECK(validate(a.width, a.height, b.width, b.height));
  const std::size_t count = static_cast<std::size_t>(kChannels) * a.width * a.height;
  LODE_ASSERT(a.values.size() == count && b.values.size() == count, "planes are [3, H, W]");
  Window window(a.width, a.height);
  return similarity(statistics_of(a, window), statistics_of(b, window), window);
}

Result<std::vector<double>> neighbour_ssim(std::span<const image::Image> views) {
  if (views.size() < 2) {
    return fail(Errc::invalid_input,
                fmt::format("pictures for SSIM: at least 2 expected, got {}", views.size()));
  }
  for (const image::Image& view : views) {
    LODE_CHECK(validate(views[0].width, views[0].height, view.width, view.height));
  }
  Window window(views[0].width, views[0].height);
  const Statistics first = statistics_of(to_planes(views[0]), window);
  std::vector<double> similarities;
  Statistics previous = first;
  for (std::size_t i = 1; i < views.size(); ++i) {
    Statistics next = statistics_of(to_planes(views[i]), window);
    similarities.push_back(similarity(previous, next, window));
    previous = std::move(next);
  }
  similarities.push_back(similarity(previous, first, window));
  return similarities;
}

}  // namespace lode::score
