#include "fit/loss.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/assert.h"

namespace lode::fit {
namespace {

constexpr int kRadius = 5;
constexpr int kTaps = 2 * kRadius + 1;
constexpr double kSigma = 1.5;
constexpr float kC1 = 0.01F * 0.01F, kC2 = 0.03F * 0.03F;
/// Rows that one thread takes at a time: enough to be worth the hand-over, few enough to balance.
constexpr int kChunkRows = 8;
/// Numbers that a row adds to the loss.
constexpr std::size_t kSums = 3;

/// The window's weights by distance from its centre; both halves together sum to 1.
using Weights = std::array<float, kRadius + 1>;
const Weights kWeights = [] {
  std::array<double, kRadius + 1> raw{};
  double sum = 0;
  for (int k = 0; k <= kRadius; ++k) {
    raw[k] = std::exp(-k * k / (2 * kSigma * kSigma));
    sum += k == 0 ? raw[k] : 2 * raw[k];
  }
  Weights weights{};
  for (int k = 0; k <= kRadius; ++k) {
    weights[k] = static_cast<float>(raw[k] / sum);
  }
  return weights;
}();

/// out[i] = the window over in[i - 5 step] .. in[i + 5 step]; `in` is readable that far.
void blur_line(const float* in, int step, std::size_t length, float* __restrict out) {
  const Weights w = kWeights;
  for (std::size_t i = 0; i < length; ++i) {
    const float* at = in + i;
    out[i] = w[0] * at[0] + w[1] * (at[-step] + at[step]) + w[2] * (at[-2 * step] + at[2 * step]) +
             w[3] * (at[-3 * step] + at[3 * step]) + w[4] * (at[-4 * step] + at[4 * step]) +
             w[5] * (at[-5 * step] + at[5 * step]);
  }
}

/// The window along the columns of a plane for one row; outside of the picture are `zeros`, which
/// have a row's length.
void blur_column(const std::vector<float>& plane, const std::vector<float>& zeros, int row,
                 float* __restrict out) {
  const std::size_t length = zeros.size();
  const auto height = static_cast<int>(plane.size() / length);
  std::array<const float*, kTaps> rows{};
  for (int k = -kRadius; k <= kRadius; ++k) {
    const int y = row + k;
    rows[k + kRadius] =
        y < 0 || y >= height ? zeros.data() : &plane[static_cast<std::size_t>(y) * length];
  }
  const Weights w = kWeights;
  const auto [a, b, c, d, e, f, g, h, i, j, k] = rows;
  for (std::size_t x = 0; x < length; ++x) {
    out[x] = w[0] * f[x] + w[1] * (e[x] + g[x]) + w[2] * (d[x] + h[x]) + w[3] * (c[x] + i[x]) +
             w[4] * (b[x] + j[x]) + w[5] * (a[x] + k[x]);
  }
}

/// A row with zeros on both sides, as far as the window reaches.
class PaddedRow {
 public:
  explicit PaddedRow(std::size_t length) : values_(length + 2 * kPad) {}
  float* data() { return &values_[kPad]; }

 private:
  static constexpr std::size_t kPad = 3 * kRadius;
  std::vector<float> values_;
};

}  // namespace

/// What the passes over one frame share. A row of three interleaved channels is filtered as one
/// line in which neighbours are three values apart.
struct Loss::Window {
  const float* x;  // the frame
  const float* y;  // the target
  std::size_t length;
  int height;
  float l1_scale, ssim_scale;  // derivative of the total by one value's |x - y|, by one SSIM

  int begin(std::size_t chunk) const { return static_cast<int>(chunk) * kChunkRows; }
  int end(std::size_t chunk) const { return std::min(height, begin(chunk) + kChunkRows); }
  std::size_t chunks() const { return (static_cast<std::size_t>(height) - 1) / kChunkRows + 1; }
};

void Loss::blur_rows(const Window& window, std::size_t chunk) {
  const std::size_t n = window.length;
  PaddedRow x(n), y(n), squares(n), products(n);
  for (int row = window.begin(chunk); row < window.end(chunk); ++row) {
    const std::size_t at = static_cast<std::size_t>(row) * n;
    std::copy_n(window.x + at, n, x.data());
    std::copy_n(window.y + at, n, y.data());
    for (std::size_t i = 0; i < n; ++i) {
      const float a = window.x[at + i], b = window.y[at + i];
      squares.data()[i] = a * a + b * b;
      products.data()[i] = a * b;
    }
    blur_line(x.data(), 3, n, &blurred_[0][at]);
    blur_line(y.data(), 3, n, &blurred_[1][at]);
    blur_line(squares.data(), 3, n, &blurred_[2][at]);
    blur_line(products.data(), 3, n, &blurred_[3][at]);
  }
}

void Loss::compare_rows(const Window& window, std::size_t chunk) {
  const std::size_t n = window.length;
  const std::vector<float> zeros(n, 0.0F);
  std::vector<float> mean_x(n), mean_y(n), squares(n), products(n), ssim(n);
  PaddedRow by_mean(n), by_square(n), by_product(n);
  for (int row = window.begin(chunk); row < window.end(chunk); ++row) {
    blur_column(blurred_[0], zeros, row, mean_x.data());
    blur_column(blurred_[1], zeros, row, mean_y.data());
    blur_column(blurred_[2], zeros, row, squares.data());
    blur_column(blurred_[3], zeros, row, products.data());
    // SSIM = A B / (C D) with the means m, the blurred squares and products held apart:
    //   A = 2 mx my + C1          B = 2 (blur(x y) - mx my) + C2
    //   C = mx^2 + my^2 + C1      D = blur(x^2) + blur(y^2) - mx^2 - my^2 + C2
    for (std::size_t i = 0; i < n; ++i) {
      const float mx = mean_x[i], my = mean_y[i];
      const float mean_product = mx * my, mean_squares = mx * mx + my * my;
      const float a = 2 * mean_product + kC1, b = 2 * (products[i] - mean_product) + kC2;
      const float c = mean_squares + kC1, d = squares[i] - mean_squares + kC2;
      const float inverse = 1 / (c * d);
      const float value = a * b * inverse;
      ssim[i] = value;
      by_mean.data()[i] =
          window.ssim_scale * (2 * my * (b - a) * inverse - 2 * mx * value * (d - c) * inverse);
      by_square.data()[i] = window.ssim_scale * -value * c * inverse;
      by_product.data()[i] = window.ssim_scale * 2 * a * inverse;
    }
    double sum = 0;
    for (const float value : ssim) {
      sum += static_cast<double>(value);
    }
    sums_[static_cast<std::size_t>(row) * kSums + 2] = sum;
    const std::size_t at = static_cast<std::size_t>(row) * n;
    blur_line(by_mean.data(), 3, n, &derivative_[0][at]);
    blur_line(by_square.data(), 3, n, &derivative_[1][at]);
    blur_line(by_product.data(), 3, n, &derivative_[2][at]);
  }
}

void Loss::gather_rows(const Window& window, std::size_t chunk) {
  const std::size_t n = window.length;
  const std::vector<float> zeros(n, 0.0F);
  std::vector<float> by_mean(n), by_square(n), by_product(n);
  for (int row = window.begin(chunk); row < window.end(chunk); ++row) {
    // The window is symmetric and the padding zero, so the blur is its own transpose.
    blur_column(derivative_[0], zeros, row, by_mean.data());
    blur_column(derivative_[1], zeros, row, by_square.data());
    blur_column(derivative_[2], zeros, row, by_product.data());
    const std::size_t at = static_cast<std::size_t>(row) * n;
    double l1 = 0, square = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const float x = window.x[at + i], y = window.y[at + i], delta = x - y;
      const float sign = delta > 0 ? 1.0F : (delta < 0 ? -1.0F : 0.0F);
      rgb_gradient_[at + i] =
          window.l1_scale * sign + by_mean[i] + 2 * x * by_square[i] + y * by_product[i];
      l1 += static_cast<double>(std::abs(delta));
      square += static_cast<double>(delta * delta);
    }
    sums_[static_cast<std::size_t>(row) * kSums] = l1;
    sums_[static_cast<std::size_t>(row) * kSums + 1] = square;
  }
}

void Loss::alpha_rows(std::span<const float> alpha, std::span<const float> target, float scale) {
  alpha_gradient_.resize(alpha.size());
  for (std::size_t i = 0; i < alpha.size(); ++i) {
    const float delta = alpha[i] - target[i];
    alpha_gradient_[i] = delta > 0 ? scale : (delta < 0 ? -scale : 0.0F);
  }
}

LossValue Loss::evaluate(const render::Frame& frame, const Target& target,
                         const LossWeights& weights) {
  const std::size_t count = frame.rgb.size();
  LODE_ASSERT(count > 0 && target.rgb.size() == count, "the target has the frame's size");
  LODE_ASSERT(target.alpha.empty() || target.alpha.size() == frame.alpha.size(),
              "the target's alpha has the frame's size");
  for (std::vector<float>& plane : blurred_) {
    plane.resize(count);
  }
  for (std::vector<float>& plane : derivative_) {
    plane.resize(count);
  }
  rgb_gradient_.resize(count);
  sums_.assign(static_cast<std::size_t>(frame.height) * kSums, 0.0);
  const auto values = static_cast<double>(count);
  const Window window{frame.rgb.data(),
                      target.rgb.data(),
                      static_cast<std::size_t>(frame.width) * 3,
                      frame.height,
                      static_cast<float>((1 - weights.ssim) / values),
                      static_cast<float>(-weights.ssim / values)};
  pool_.for_each(window.chunks(), [&](std::size_t chunk) { blur_rows(window, chunk); });
  pool_.for_each(window.chunks(), [&](std::size_t chunk) { compare_rows(window, chunk); });
  pool_.for_each(window.chunks(), [&](std::size_t chunk) { gather_rows(window, chunk); });

  LossValue value{.ssim = 0};
  for (std::size_t row = 0; row < static_cast<std::size_t>(frame.height); ++row) {
    value.l1 += sums_[row * kSums] / values;
    value.mean_square += sums_[row * kSums + 1] / values;
    value.ssim += sums_[row * kSums + 2] / values;
  }
  alpha_gradient_.clear();
  if (!target.alpha.empty()) {
    for (std::size_t i = 0; i < frame.alpha.size(); ++i) {
      value.alpha += static_cast<double>(std::abs(frame.alpha[i] - target.alpha[i]));
    }
    value.alpha /= static_cast<double>(frame.alpha.size());
    if (weights.alpha > 0) {
      alpha_rows(frame.alpha, target.alpha, weights.alpha / static_cast<float>(frame.alpha.size()));
    }
  }
  const double ssim_weight = static_cast<double>(weights.ssim);
  value.total = (1 - ssim_weight) * value.l1 + ssim_weight * (1 - value.ssim) +
                static_cast<double>(weights.alpha) * value.alpha;
  return value;
}

double psnr_db(double mean_square) {
  constexpr double kEqual = 999;  // as `lode compare` says for equal pictures
  return mean_square > 0 ? std::min(kEqual, -10 * std::log10(mean_square)) : kEqual;
}

}  // namespace lode::fit
