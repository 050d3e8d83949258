// Philox against its authors' answers, golden noise, and the distributions' statistics.
#include "nn/noise.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace lode::nn {
namespace {

using at::Tensor;
using Four = std::array<std::uint32_t, 4>;

// kat_vectors of the authors' Random123 library, "philox4x32 10".
TEST(Noise, PhiloxGivesItsAuthorsAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (Four{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr std::uint32_t kOnes = 0xffffffff;
  EXPECT_EQ(philox4x32({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Four{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Four{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

// From an independent implementation in Python.
TEST(Noise, GoldenValues) {
  const Tensor normal = NoiseSource(404, "latents").normal({5});
  const float normals[] = {-0x1.5c3bf4p+0F, -0x1.06b4dep+0F, -0x1.10a936p-3F, 0x1.258aa2p-3F,
                           -0x1.5e891ap+0F};
  const Tensor uniform = NoiseSource((1ULL << 63U) + 7, "augment").uniform({5});
  const float uniforms[] = {0x1.052e82p-1F, 0x1.67c844p-1F, 0x1.f2c68p-1F, 0x1.3a5c14p-1F,
                            0x1.78e7fp-3F};
  for (std::int64_t i = 0; i < 5; ++i) {
    EXPECT_EQ(normal[i].item<float>(), normals[i]) << i;
    EXPECT_EQ(uniform[i].item<float>(), uniforms[i]) << i;
  }
}

TEST(Noise, StreamsDependOnSeedAndPurposeAlone) {
  NoiseSource a(1, "latents");
  NoiseSource other(1, "augment");
  other.normal({100});
  const Tensor first = a.normal({8});
  EXPECT_TRUE(first.equal(NoiseSource(1, "latents").normal({8})));
  EXPECT_FALSE(first.equal(NoiseSource(2, "latents").normal({8})));
  EXPECT_FALSE(first.equal(NoiseSource(1ULL << 32U | 1U, "latents").normal({8})));
  EXPECT_FALSE(first.equal(NoiseSource(1, "augment").normal({8})));
}

TEST(Noise, ShapesOfTheSameCountHoldTheSameNumbers) {
  const Tensor flat = NoiseSource(3, "x").normal({24});
  EXPECT_TRUE(flat.view({2, 3, 4}).equal(NoiseSource(3, "x").normal({2, 3, 4})));
  EXPECT_EQ(NoiseSource(3, "x").normal({0}).numel(), 0);
}

TEST(Noise, LaterDrawsRepeatNothing) {
  NoiseSource source(4, "x");
  const Tensor first = source.normal({3});  // an odd count leaves half a block
  const Tensor second = source.normal({3});
  EXPECT_FALSE(first.eq(second).any().item<bool>());
}

/// The largest distance of the sample's distribution function to the given one.
template <class Cdf>
double kolmogorov_distance(const Tensor& sample, const Cdf& cdf) {
  std::vector<float> values(sample.data_ptr<float>(), sample.data_ptr<float>() + sample.numel());
  std::ranges::sort(values);
  const auto n = static_cast<double>(values.size());
  double distance = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double at = cdf(static_cast<double>(values[i]));
    distance =
        std::max({distance, at - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - at});
  }
  return distance;
}

// Bounds are five standard errors; for Kolmogorov's statistic sqrt(n) D < 2 has odds of 1 in 1500.
TEST(Noise, IsNormalAndUniform) {
  constexpr std::int64_t kCount = 200'000;
  const double root = std::sqrt(static_cast<double>(kCount));
  const Tensor normal = NoiseSource(11, "statistics").normal({kCount});
  const Tensor wide = normal.to(at::kDouble);
  EXPECT_NEAR(wide.mean().item<double>(), 0, 5 / root);
  EXPECT_NEAR(wide.square().mean().item<double>(), 1, 5 * std::sqrt(2.0) / root);
  EXPECT_NEAR(wide.pow(4).mean().item<double>(), 3, 5 * std::sqrt(96.0) / root);
  const Tensor pairs = wide.view({-1, 2});
  EXPECT_NEAR((pairs.select(1, 0) * pairs.select(1, 1)).mean().item<double>(), 0,
              5 * std::sqrt(2.0) / root);
  EXPECT_LT(
      kolmogorov_distance(normal, [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }),
      2 / root);

  const Tensor uniform = NoiseSource(12, "statistics").uniform({kCount});
  EXPECT_GE(uniform.min().item<float>(), 0);
  EXPECT_LT(uniform.max().item<float>(), 1);
  EXPECT_LT(kolmogorov_distance(uniform, [](double x) { return x; }), 2 / root);
}

}  // namespace
}  // namespace lode::nn
