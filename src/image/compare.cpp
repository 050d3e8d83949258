// PSNR and SSIM of two pictures.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/assert.h"
#include "image/image.h"

namespace lode::image {
namespace {

using Plane = std::vector<float>;  // [H, W]

constexpr int kWindowRadius = 5;
constexpr float kWindowSigma = 1.5F;

Plane luma(const Image& rgb) {
  Plane plane(static_cast<std::size_t>(rgb.width) * rgb.height);
  for (std::size_t i = 0; i < plane.size(); ++i) {
    const std::uint8_t* p = &rgb.pixels[3 * i];
    plane[i] = 0.299F * static_cast<float>(p[0]) + 0.587F * static_cast<float>(p[1]) +
               0.114F * static_cast<float>(p[2]);
  }
  return plane;
}

/// One pass of the Gaussian window along an axis of `length` samples `stride` apart; windows that
/// reach over the border are cut and renormalised, so any size has an SSIM.
void blur_line(const float* in, float* out, int length, std::size_t stride) {
  static const std::array<float, 2 * kWindowRadius + 1> kWeights = [] {
    std::array<float, 2 * kWindowRadius + 1> weights{};
    for (int k = -kWindowRadius; k <= kWindowRadius; ++k) {
      weights[k + kWindowRadius] =
          std::exp(-static_cast<float>(k * k) / (2 * kWindowSigma * kWindowSigma));
    }
    return weights;
  }();
  for (int i = 0; i < length; ++i) {
    float sum = 0, total = 0;
    for (int k = std::max(-kWindowRadius, -i); k <= std::min(kWindowRadius, length - 1 - i); ++k) {
      const float weight = kWeights[k + kWindowRadius];
      sum += weight * in[(i + k) * static_cast<std::ptrdiff_t>(stride)];
      total += weight;
    }
    out[i * stride] = sum / total;
  }
}

Plane blur(const Plane& plane, int width, int height) {
  Plane rows(plane.size()), out(plane.size());
  for (int y = 0; y < height; ++y) {
    const std::size_t begin = static_cast<std::size_t>(y) * width;
    blur_line(&plane[begin], &rows[begin], width, 1);
  }
  for (int x = 0; x < width; ++x) {
    blur_line(&rows[x], &out[x], height, width);
  }
  return out;
}

Plane product(const Plane& a, const Plane& b) {
  Plane out(a.size());
  std::transform(a.begin(), a.end(), b.begin(), out.begin(), std::multiplies<>());
  return out;
}

/// Mean SSIM of Wang et al. 2004 with their constants K1 = 0.01, K2 = 0.03, L = 255.
double mean_ssim(const Image& a, const Image& b) {
  constexpr float kC1 = (0.01F * 255) * (0.01F * 255), kC2 = (0.03F * 255) * (0.03F * 255);
  const Plane x = luma(a), y = luma(b);
  const Plane mean_x = blur(x, a.width, a.height), mean_y = blur(y, a.width, a.height);
  const Plane xx = blur(product(x, x), a.width, a.height);
  const Plane yy = blur(product(y, y), a.width, a.height);
  const Plane xy = blur(product(x, y), a.width, a.height);
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float mx = mean_x[i], my = mean_y[i];
    const float variance_x = std::max(0.0F, xx[i] - mx * mx);
    const float variance_y = std::max(0.0F, yy[i] - my * my);
    const float covariance = xy[i] - mx * my;
    sum += static_cast<double>((2 * mx * my + kC1) * (2 * covariance + kC2)) /
           static_cast<double>((mx * mx + my * my + kC1) * (variance_x + variance_y + kC2));
  }
  return sum / static_cast<double>(x.size());
}

constexpr Rgb kWhite{255, 255, 255};

Result<void> validate_sizes(const Image& a, const Image& b) {
  if (a.width != b.width || a.height != b.height) {
    return fail(Errc::invalid_input, "pictures to compare: one size expected, got " +
                                         std::to_string(a.width) + "x" + std::to_string(a.height) +
                                         " and " + std::to_string(b.width) + "x" +
                                         std::to_string(b.height));
  }
  return {};
}

}  // namespace

Result<Difference> compare(const Image& a, const Image& b) {
  LODE_CHECK(validate_sizes(a, b));
  const Image left = composite_over(a, kWhite), right = composite_over(b, kWhite);
  Difference difference;
  double squares = 0;
  for (std::size_t i = 0; i < left.pixels.size(); ++i) {
    const int delta = std::abs(left.pixels[i] - right.pixels[i]);
    difference.max_abs = std::max(difference.max_abs, delta);
    squares += static_cast<double>(delta) * delta;
  }
  const double mean_square = squares / static_cast<double>(left.pixels.size());
  difference.psnr_db = mean_square > 0 ? 10 * std::log10(255.0 * 255.0 / mean_square)
                                       : std::numeric_limits<double>::infinity();
  difference.ssim = difference.max_abs == 0 ? 1.0 : mean_ssim(left, right);
  return difference;
}

Result<Image> difference_picture(const Image& a, const Image& b, int amplification) {
  LODE_CHECK(validate_sizes(a, b));
  LODE_ASSERT(amplification >= 1, "a difference is not made smaller");
  const Image left = composite_over(a, kWhite), right = composite_over(b, kWhite);
  Image picture(a.width, a.height, 3);
  std::transform(left.pixels.begin(), left.pixels.end(), right.pixels.begin(),
                 picture.pixels.begin(), [amplification](int x, int y) {
                   const std::int64_t amplified = std::int64_t{std::abs(x - y)} * amplification;
                   return static_cast<std::uint8_t>(std::min<std::int64_t>(amplified, 255));
                 });
  return picture;
}

}  // namespace lode::image
