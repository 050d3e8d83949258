#include "fit/adam.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/clouds.h"

namespace lode::fit {
namespace {

constexpr LearningRates kRates{.position = 0.1F,
                               .f_dc = 0.2F,
                               .sh_rest = 0.3F,
                               .opacity = 0.4F,
                               .scale = 0.5F,
                               .rotation = 0.6F};

splat::GaussianCloud constant(std::size_t count, int degree, float value) {
  splat::GaussianCloud cloud;
  cloud.sh_degree = degree;
  cloud.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    cloud.positions[i] = cloud.log_scales[i] = cloud.f_dc[i] = glm::vec3(value);
    cloud.rotations[i] = glm::quat(value, value, value, value);
    cloud.opacity_logits[i] = value;
  }
  std::fill(cloud.sh_rest.begin(), cloud.sh_rest.end(), value);
  return cloud;
}

TEST(Adam, FirstStepMovesEveryGroupByItsRateAgainstTheSign) {
  ThreadPool pool(1);
  splat::GaussianCloud cloud = constant(3, 1, 1.0F);
  Adam adam(3, 1);
  // Whatever the size of the gradient, the first step is the rate.
  adam.step(cloud, constant(3, 1, -1e-6F), kRates, pool);
  EXPECT_NEAR(cloud.positions[2].z, 1.1F, 1e-5F);
  EXPECT_NEAR(cloud.f_dc[1].x, 1.2F, 1e-5F);
  EXPECT_NEAR(cloud.sh_rest[26], 1.3F, 1e-5F);
  EXPECT_NEAR(cloud.opacity_logits[0], 1.4F, 1e-5F);
  EXPECT_NEAR(cloud.log_scales[0].y, 1.5F, 1e-5F);
  EXPECT_NEAR(cloud.rotations[1].w, 1.6F, 1e-5F);
}

TEST(Adam, FollowsTheRecurrenceInDoubleForTwentySteps) {
  ThreadPool pool(1);
  splat::GaussianCloud cloud = constant(1, 0, 0.5F);
  Adam adam(1, 0);
  double value = 0.5, m = 0, v = 0;
  for (int step = 1; step <= 20; ++step) {
    const double g = std::sin(step) + 0.3;
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    value -= 0.1 * (m / (1 - std::pow(0.9, step))) /
             (std::sqrt(v / (1 - std::pow(0.999, step))) + 1e-15);
    adam.step(cloud, constant(1, 0, static_cast<float>(g)), kRates, pool);
    EXPECT_NEAR(cloud.positions[0].x, value, 1e-5) << step;
  }
}

TEST(Adam, AZeroGradientFromTheStartMovesNothing) {
  ThreadPool pool(1);
  splat::GaussianCloud cloud = constant(2, 0, 0.25F);
  Adam adam(2, 0);
  adam.step(cloud, constant(2, 0, 0.0F), kRates, pool);
  EXPECT_EQ(cloud.positions[1], glm::vec3(0.25F));
  EXPECT_EQ(cloud.rotations[1], glm::quat(0.25F, 0.25F, 0.25F, 0.25F));
}

TEST(Adam, MomentsFollowAppendedAndRemovedGaussians) {
  ThreadPool pool(1);
  Rng rng(4);
  splat::GaussianCloud cloud = test::random_cloud(rng, 3, 1);
  splat::GaussianCloud gradient = test::random_cloud(rng, 3, 1);
  Adam adam(3, 1);
  adam.step(cloud, gradient, kRates, pool);
  const splat::GaussianCloud before = adam.first_moment();
  adam.append(1);
  EXPECT_EQ(adam.first_moment().rotations[3], glm::quat(0, 0, 0, 0));
  EXPECT_EQ(adam.second_moment().positions[3], glm::vec3(0));
  adam.keep({0, 1, 0, 1});
  ASSERT_EQ(adam.size(), 2U);
  EXPECT_EQ(adam.first_moment().positions[0], before.positions[1]);
  EXPECT_EQ(adam.first_moment().sh_rest[8], before.sh_rest[17]);
  ASSERT_EQ(adam.second_moment().size(), 2U);
  EXPECT_GT(adam.second_moment().f_dc[0].x, 0);
  EXPECT_EQ(adam.first_moment().opacity_logits[1], 0);
}

TEST(Adam, OpacityResetForgetsOpacityAlone) {
  ThreadPool pool(1);
  splat::GaussianCloud cloud = constant(1, 0, 0.0F);
  Adam adam(1, 0);
  adam.step(cloud, constant(1, 0, 1.0F), kRates, pool);
  adam.reset_opacity();
  EXPECT_EQ(adam.first_moment().opacity_logits[0], 0);
  EXPECT_EQ(adam.second_moment().opacity_logits[0], 0);
  EXPECT_GT(adam.first_moment().positions[0].x, 0);
}

TEST(Adam, IsTheSameToTheLastBitForAnyNumberOfThreads) {
  ThreadPool one(1), three(3);
  Rng rng(8);
  splat::GaussianCloud a = test::random_cloud(rng, 20'000), b = a;
  const splat::GaussianCloud gradient = test::random_cloud(rng, 20'000);
  Adam for_a(a.size(), 0), for_b(b.size(), 0);
  for_a.step(a, gradient, kRates, one);
  for_b.step(b, gradient, kRates, three);
  EXPECT_EQ(a.positions, b.positions);
  EXPECT_EQ(a.opacity_logits, b.opacity_logits);
}

}  // namespace
}  // namespace lode::fit
