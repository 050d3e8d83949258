#include "fit/loss.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"

namespace lode::fit {
namespace {

struct Pair {
  render::Frame frame;
  std::vector<float> rgb, alpha;
  Target target() const { return {rgb, alpha}; }
};

Pair random_pair(int width, int height, std::uint64_t seed) {
  Rng rng(seed);
  Pair pair;
  pair.frame.width = width;
  pair.frame.height = height;
  const auto count = static_cast<std::size_t>(width) * height;
  for (std::size_t i = 0; i < count * 3; ++i) {
    // Smooth enough that SSIM is neither 0 nor 1.
    const double wave = 0.5 + 0.4 * std::sin(static_cast<double>(i) * 0.07);
    pair.frame.rgb.push_back(static_cast<float>(wave + rng.uniform(-0.2, 0.2)));
    pair.rgb.push_back(static_cast<float>(wave + rng.uniform(-0.1, 0.1)));
  }
  for (std::size_t i = 0; i < count; ++i) {
    pair.frame.alpha.push_back(static_cast<float>(rng.uniform()));
    pair.alpha.push_back(static_cast<float>(rng.uniform()));
  }
  return pair;
}

/// The definition in double: every window at every pixel, zeros outside.
double naive_ssim(const Pair& pair) {
  const int width = pair.frame.width, height = pair.frame.height;
  double weights[11], sum = 0, total = 0;
  for (int k = 0; k < 11; ++k) {
    sum += weights[k] = std::exp(-(k - 5) * (k - 5) / (2 * 1.5 * 1.5));
  }
  for (int at = 0; at < width * height * 3; ++at) {
    const int c = at % 3, px = at / 3 % width, py = at / 3 / width;
    double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
    for (int tap = 0; tap < 121; ++tap) {
      const int x = px + tap % 11 - 5, y = py + tap / 11 - 5;
      if (x < 0 || x >= width || y < 0 || y >= height) {
        continue;
      }
      const double weight = weights[tap % 11] * weights[tap / 11] / (sum * sum);
      const double a = static_cast<double>(pair.frame.rgb[(y * width + x) * 3 + c]);
      const double b = static_cast<double>(pair.rgb[(y * width + x) * 3 + c]);
      mx += weight * a;
      my += weight * b;
      xx += weight * a * a;
      yy += weight * b * b;
      xy += weight * a * b;
    }
    constexpr double kC1 = 1e-4, kC2 = 9e-4;
    total += (2 * mx * my + kC1) * (2 * (xy - mx * my) + kC2) /
             ((mx * mx + my * my + kC1) * (xx - mx * mx + yy - my * my + kC2));
  }
  return total / (width * height * 3);
}

double naive_total(const Pair& pair, const LossWeights& weights) {
  double l1 = 0, alpha = 0;
  for (std::size_t i = 0; i < pair.rgb.size(); ++i) {
    l1 += std::abs(static_cast<double>(pair.frame.rgb[i]) - static_cast<double>(pair.rgb[i]));
  }
  for (std::size_t i = 0; i < pair.alpha.size(); ++i) {
    alpha +=
        std::abs(static_cast<double>(pair.frame.alpha[i]) - static_cast<double>(pair.alpha[i]));
  }
  const double share = static_cast<double>(weights.ssim);
  return (1 - share) * l1 / static_cast<double>(pair.rgb.size()) + share * (1 - naive_ssim(pair)) +
         static_cast<double>(weights.alpha) * alpha / static_cast<double>(pair.alpha.size());
}

TEST(Loss, AgreesWithTheDefinitionInDoubleAtSizesAroundTheWindow) {
  ThreadPool pool(1);
  Loss loss(pool);
  for (const auto& [width, height] : {std::pair{1, 1}, {5, 4}, {11, 10}, {12, 33}, {40, 9}}) {
    const Pair pair = random_pair(width, height, 7);
    const LossWeights weights{.ssim = 0.2F, .alpha = 0.5F};
    const LossValue value = loss.evaluate(pair.frame, pair.target(), weights);
    EXPECT_NEAR(value.ssim, naive_ssim(pair), 2e-5) << width << "x" << height;
    EXPECT_NEAR(value.total, naive_total(pair, weights), 1e-5) << width << "x" << height;
  }
}

TEST(Loss, GradientIsTheSlopeOfTheLossInDouble) {
  ThreadPool pool(2);
  Loss loss(pool);
  const LossWeights weights{.ssim = 0.7F, .alpha = 0.5F};
  Pair pair = random_pair(17, 13, 3);
  loss.evaluate(pair.frame, pair.target(), weights);
  const std::vector<float> by_rgb(loss.rgb_gradient().begin(), loss.rgb_gradient().end());
  const std::vector<float> by_alpha(loss.alpha_gradient().begin(), loss.alpha_gradient().end());
  constexpr float kStep = 1e-3F;
  const auto slope = [&](float& value) {
    const float at = value, low = at - kStep, high = at + kStep;
    value = high;
    const double above = naive_total(pair, weights);
    value = low;
    const double below = naive_total(pair, weights);
    value = at;
    return (above - below) / (static_cast<double>(high) - static_cast<double>(low));
  };
  double largest = 0;
  for (const float g : by_rgb) {
    largest = std::max(largest, static_cast<double>(std::abs(g)));
  }
  int checked = 0;
  for (std::size_t i = 0; i < by_rgb.size(); i += 5) {
    if (std::abs(pair.frame.rgb[i] - pair.rgb[i]) > 2 * kStep) {  // L1 has a kink there
      EXPECT_NEAR(by_rgb[i], slope(pair.frame.rgb[i]), 2e-3 * largest) << i;
      ++checked;
    }
  }
  EXPECT_GT(checked, 100);
  for (std::size_t i = 0; i < by_alpha.size(); i += 7) {
    if (std::abs(pair.frame.alpha[i] - pair.alpha[i]) > 2 * kStep) {
      EXPECT_NEAR(by_alpha[i], slope(pair.frame.alpha[i]), 1e-6) << i;
    }
  }
}

TEST(Loss, OfEqualFramesIsZeroWithSsimOneAndNoGradient) {
  ThreadPool pool(1);
  Loss loss(pool);
  Pair pair = random_pair(30, 20, 5);
  pair.rgb = pair.frame.rgb;
  pair.alpha = pair.frame.alpha;
  const LossValue value = loss.evaluate(pair.frame, pair.target(), {.ssim = 0.2F, .alpha = 1});
  EXPECT_NEAR(value.ssim, 1, 1e-6);
  EXPECT_NEAR(value.total, 0, 1e-6);
  EXPECT_EQ(value.l1, 0);
  EXPECT_EQ(value.alpha, 0);
  EXPECT_EQ(psnr_db(value.mean_square), 999);
  for (const float g : loss.rgb_gradient()) {
    EXPECT_NEAR(g, 0, 1e-7);
  }
}

TEST(Loss, IsTheSameToTheLastBitForAnyNumberOfThreads) {
  const Pair pair = random_pair(50, 41, 9);
  ThreadPool one(1), three(3);
  Loss a(one), b(three);
  const LossWeights weights{.ssim = 0.2F, .alpha = 0.1F};
  EXPECT_EQ(a.evaluate(pair.frame, pair.target(), weights).total,
            b.evaluate(pair.frame, pair.target(), weights).total);
  EXPECT_TRUE(std::ranges::equal(a.rgb_gradient(), b.rgb_gradient()));
}

TEST(Loss, WithoutATargetAlphaHasNoAlphaGradient) {
  ThreadPool pool(1);
  Loss loss(pool);
  Pair pair = random_pair(8, 8, 1);
  loss.evaluate(pair.frame, pair.target(), {.alpha = 1});
  EXPECT_EQ(loss.alpha_gradient().size(), 64U);
  pair.alpha.clear();
  EXPECT_EQ(loss.evaluate(pair.frame, pair.target(), {.alpha = 1}).alpha, 0);
  EXPECT_TRUE(loss.alpha_gradient().empty());
}

TEST(Psnr, OfAMeanSquareOfAHundredthIsTwentyDecibels) { EXPECT_NEAR(psnr_db(0.01), 20, 1e-12); }

}  // namespace
}  // namespace lode::fit
