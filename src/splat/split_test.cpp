#include "splat/split.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/clouds.h"

namespace lode::splat {
namespace {

/// Alpha of all gaussians of a cloud, which lie at one place and have one width, `r` of the first
/// one's original standard deviations from their middle.
double alpha_at(const GaussianCloud& cloud, double r, double log_scale) {
  double through = 1;
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    const double s = std::exp(cloud.log_scales[i].y - log_scale);
    const double opacity = 1 / (1 + std::exp(-cloud.opacity_logits[i]));
    through *= 1 - opacity * std::exp(-r * r / (2 * s * s));
  }
  return 1 - through;
}

GaussianCloud one(float opacity) {
  GaussianCloud cloud;
  cloud.resize(1);
  cloud.log_scales[0] = {-4, -2, -3};
  cloud.opacity_logits[0] = logit(opacity);
  return cloud;
}

TEST(Split, DrawsNearlyTheSameHoweverOpaque) {
  for (const float opacity : {0.02F, 0.1F, 0.3F, 0.7F, 0.95F, 0.999F}) {
    for (const std::size_t parts : {2, 3, 8}) {
      GaussianCloud cloud = one(opacity);
      split_until(cloud, parts);
      ASSERT_EQ(cloud.size(), parts);
      for (double r = 0; r < 4; r += 0.1) {
        const double was = opacity * std::exp(-r * r / 2);
        EXPECT_NEAR(alpha_at(cloud, r, -2), was, 0.008 * static_cast<double>(parts))
            << opacity << " at " << r;
      }
    }
  }
}

TEST(Split, TakesTheWidestFirst) {
  Rng rng(3);
  GaussianCloud cloud = lode::test::random_cloud(rng, 20);
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    cloud.log_scales[i] = {-9, -5 + 0.1F * static_cast<float>(i), -9};
  }
  const GaussianCloud before = cloud;
  split_until(cloud, 22);
  ASSERT_EQ(cloud.size(), 22U);
  EXPECT_EQ(cloud.positions[20], before.positions[19]);
  EXPECT_EQ(cloud.positions[21], before.positions[18]);
  EXPECT_EQ(cloud.log_scales[17], before.log_scales[17]);
}

TEST(Split, StaysFiniteForTheMostOpaqueAndTheFaintest) {
  for (const float logit : {-6.0F, 20.0F, 60.0F}) {
    GaussianCloud cloud = one(0.5F);
    cloud.opacity_logits[0] = logit;
    split_until(cloud, 5);
    for (std::size_t i = 0; i < cloud.size(); ++i) {
      ASSERT_TRUE(std::isfinite(cloud.opacity_logits[i]) && std::isfinite(cloud.log_scales[i].x));
    }
  }
}

TEST(Split, LeavesWhatIsEnoughAndWhatIsNothing) {
  GaussianCloud cloud = one(0.5F);
  split_until(cloud, 1);
  EXPECT_EQ(cloud.size(), 1U);
  EXPECT_EQ(cloud.log_scales[0], one(0.5F).log_scales[0]);
  GaussianCloud empty;
  split_until(empty, 10);
  EXPECT_EQ(empty.size(), 0U);
}

}  // namespace
}  // namespace lode::splat
