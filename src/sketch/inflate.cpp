#include "sketch/inflate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "base/assert.h"

namespace lode::sketch {
namespace {

using glm::vec2;
using glm::vec3;

std::size_t cell(int width, int x, int y) {
  return static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
         static_cast<std::size_t>(x);
}

/// Distance of each pixel to the nearest inside one, in pixels: two chamfer passes (Borgefors 1986)
/// with weights 1 and sqrt 2, at most 8 % off, which is plenty for a slope outside.
std::vector<float> distance_outside(const std::vector<bool>& is_inside, int width, int height) {
  constexpr float kFar = 1e6F, kDiagonal = 1.41421356F;
  std::vector<float> d(is_inside.size());
  std::ranges::transform(is_inside, d.begin(), [](bool inside) { return inside ? 0.0F : kFar; });
  const auto relax = [&](int x, int y, int dx, int dy, float weight) {
    const int nx = x + dx, ny = y + dy;
    if (nx >= 0 && ny >= 0 && nx < width && ny < height) {
      float& here = d[cell(width, x, y)];
      here = std::min(here, d[cell(width, nx, ny)] + weight);
    }
  };
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      relax(x, y, -1, 0, 1);
      relax(x, y, 0, -1, 1);
      relax(x, y, -1, -1, kDiagonal);
      relax(x, y, 1, -1, kDiagonal);
    }
  }
  for (int y = height - 1; y >= 0; --y) {
    for (int x = width - 1; x >= 0; --x) {
      relax(x, y, 1, 0, 1);
      relax(x, y, 0, 1, 1);
      relax(x, y, 1, 1, kDiagonal);
      relax(x, y, -1, 1, kDiagonal);
    }
  }
  return d;
}

/// Solves laplace(u) = -4 inside, u = 0 outside, by successive over-relaxation.
std::vector<float> solve_poisson(const std::vector<bool>& is_inside, int width, int height,
                                 const std::stop_token& stop) {
  std::vector<float> u(is_inside.size(), 0.0F);
  const int longest = std::max(width, height);
  const float omega =
      2.0F / (1.0F + std::sin(std::numbers::pi_v<float> / static_cast<float>(longest)));
  const int sweeps = 2 * longest;
  for (int sweep = 0; sweep < sweeps && !stop.stop_requested(); ++sweep) {
    float largest_change = 0, largest = 0;
    for (int y = 1; y + 1 < height; ++y) {
      for (int x = 1; x + 1 < width; ++x) {
        const std::size_t i = cell(width, x, y);
        if (is_inside[i]) {
          const auto w = static_cast<std::size_t>(width);
          const float target = 0.25F * (u[i - 1] + u[i + 1] + u[i - w] + u[i + w]) + 1.0F;
          const float change = omega * (target - u[i]);
          u[i] += change;
          largest_change = std::max(largest_change, std::abs(change));
          largest = std::max(largest, u[i]);
        }
      }
    }
    if (largest_change < 1e-4F * largest) {
      break;
    }
  }
  return u;
}

/// The four cubic B-spline weights at fraction t, and their derivatives.
struct Weights {
  std::array<float, 4> value, slope;
};
Weights weights(float t) {
  const float s = 1 - t;
  return {{s * s * s / 6, (3 * t * t * t - 6 * t * t + 4) / 6, (3 * s * s * s - 6 * s * s + 4) / 6,
           t * t * t / 6},
          {-s * s / 2, (3 * t * t - 4 * t) / 2, (-3 * s * s + 4 * s) / 2, t * t / 2}};
}

}  // namespace

SplineGrid::SplineGrid(int width, int height, std::vector<float> values)
    : width_(width), height_(height), values_(std::move(values)) {
  LODE_ASSERT(values_.size() == static_cast<std::size_t>(width) * static_cast<std::size_t>(height),
              "a value for each pixel");
}

SplineGrid::Sample SplineGrid::at(float x, float y) const {
  const float cx = std::clamp(x, 0.0F, static_cast<float>(width_ - 1));
  const float cy = std::clamp(y, 0.0F, static_cast<float>(height_ - 1));
  const int x0 = static_cast<int>(cx), y0 = static_cast<int>(cy);
  const Weights wx = weights(cx - static_cast<float>(x0)),
                wy = weights(cy - static_cast<float>(y0));
  Sample sample{0, {0, 0}};
  for (int j = 0; j < 4; ++j) {
    const int row = std::clamp(y0 + j - 1, 0, height_ - 1);
    float value = 0, slope = 0;
    for (int i = 0; i < 4; ++i) {
      const float v = values_[cell(width_, std::clamp(x0 + i - 1, 0, width_ - 1), row)];
      value += wx.value[static_cast<std::size_t>(i)] * v;
      slope += wx.slope[static_cast<std::size_t>(i)] * v;
    }
    const auto k = static_cast<std::size_t>(j);
    sample.value += wy.value[k] * value;
    sample.gradient += vec2(wy.value[k] * slope, wy.slope[k] * value);
  }
  return sample;
}

SplineGrid inflation(const image::Image& cutout, const std::stop_token& stop) {
  LODE_ASSERT(cutout.channels == 4, "a cut-out has alpha");
  const int width = cutout.width, height = cutout.height;
  std::vector<bool> is_inside(static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  for (std::size_t i = 0; i < is_inside.size(); ++i) {
    is_inside[i] = cutout.pixels[4 * i + 3] >= 128;
  }
  std::vector<float> u = solve_poisson(is_inside, width, height, stop);
  const std::vector<float> outside = distance_outside(is_inside, width, height);
  // Beyond the silhouette the potential goes on falling about as steeply as it rises inside: for a
  // disc of radius R by 2 R a pixel, and sqrt(u) peaks at R.
  const float slope = 2 * std::sqrt(*std::ranges::max_element(u));
  for (std::size_t i = 0; i < u.size(); ++i) {
    u[i] -= is_inside[i] ? 0 : slope * (outside[i] - 0.5F);
  }
  return {width, height, std::move(u)};
}

Solid inflated(const SplineGrid& potential, float depth) {
  const vec2 half(0.5F * static_cast<float>(potential.width() - 1),
                  0.5F * static_cast<float>(potential.height() - 1));
  float highest = 0;
  for (int y = 0; y < potential.height(); ++y) {
    for (int x = 0; x < potential.width(); ++x) {
      highest = std::max(highest, potential.at(static_cast<float>(x), static_cast<float>(y)).value);
    }
  }
  const float thick = depth * std::sqrt(highest);
  // F = (z / depth)^2 - u vanishes on the surface, and is smooth there, rim included. Divided by
  // |grad F| / 2 + sqrt(|grad F|^2 / 4 + |F|) it is a distance to first order at the surface, and
  // to all orders inside a ball.
  const float inverse2 = 1 / (depth * depth);
  return {[potential, half, inverse2](const vec3& p) {
            const SplineGrid::Sample u = potential.at(half.x + p.x, half.y - p.y);
            const float f = p.z * p.z * inverse2 - u.value;
            const float gz = 2 * p.z * inverse2;
            const float slope = 0.5F * std::sqrt(u.gradient.x * u.gradient.x +
                                                 u.gradient.y * u.gradient.y + gz * gz);
            return f / (slope + std::sqrt(slope * slope + std::abs(f)) + 1e-6F);
          },
          {{-half.x, -half.y, -thick - 1}, {half.x, half.y, thick + 1}}};
}

}  // namespace lode::sketch
