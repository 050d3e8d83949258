#include "splat/cloud.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/clouds.h"

namespace lode::splat {
namespace {

TEST(Cloud, ResizeKeepsEveryArrayAtOneLength) {
  GaussianCloud cloud;
  cloud.sh_degree = 2;
  cloud.resize(3);
  EXPECT_EQ(cloud.sh_rest.size(), 3U * 8 * 3);
  EXPECT_EQ(cloud.rotations[2], glm::quat(1, 0, 0, 0));
  EXPECT_EQ(cloud.log_scales.size(), 3U);
  EXPECT_EQ(cloud.opacity_logits.size(), 3U);
  EXPECT_EQ(cloud.f_dc.size(), 3U);
}

TEST(Cloud, AppendCopiesOneGaussianEvenFromItself) {
  Rng rng(1);
  const GaussianCloud source = test::random_cloud(rng, 4, 1);
  GaussianCloud cloud = source;
  for (int i = 0; i < 20; ++i) {  // through several reallocations
    cloud.append(cloud, 2);
  }
  ASSERT_EQ(cloud.size(), 24U);
  EXPECT_EQ(cloud.positions[23], source.positions[2]);
  EXPECT_EQ(cloud.rotations[23], source.rotations[2]);
  ASSERT_EQ(cloud.sh_rest.size(), 24U * 9);
  EXPECT_EQ(cloud.sh_rest[23 * 9 + 8], source.sh_rest[2 * 9 + 8]);
}

TEST(Bounds, EncloseEveryCentre) {
  const Bounds box = bounds({{1, 2, 3}, {-1, 5, 3}, {0, 0, 4}});
  EXPECT_EQ(box.min, glm::vec3(-1, 0, 3));
  EXPECT_EQ(box.max, glm::vec3(1, 5, 4));
  EXPECT_EQ(box.extent(), 5);
  EXPECT_EQ(bounds({}).extent(), 0);
}

TEST(Activate, AppliesSigmoidExpNormalisationAndDegreeZero) {
  GaussianCloud cloud;
  cloud.resize(1);
  cloud.log_scales[0] = {0, std::log(2.0F), -1};
  cloud.rotations[0] = glm::quat(0, 3, 0, 4);
  cloud.opacity_logits[0] = std::log(3.0F);
  cloud.f_dc[0] = {1, 0, -4};
  const Scene scene = activate(cloud);
  EXPECT_FLOAT_EQ(scene.scales[0].y, 2);
  EXPECT_FLOAT_EQ(scene.scales[0].z, std::exp(-1.0F));
  EXPECT_FLOAT_EQ(scene.rotations[0].x, 0.6F);
  EXPECT_FLOAT_EQ(scene.rotations[0].z, 0.8F);
  EXPECT_FLOAT_EQ(scene.opacities[0], 0.75F);
  EXPECT_FLOAT_EQ(scene.colours[0].x, 0.5F + 0.28209479F);
  EXPECT_FLOAT_EQ(scene.colours[0].z, 0.5F - 4 * 0.28209479F) << "not clamped";
}

TEST(Activate, TakesInfiniteLogitsToTheEndsOfTheRange) {
  GaussianCloud cloud;
  cloud.resize(2);
  cloud.opacity_logits = {INFINITY, -INFINITY};
  const Scene scene = activate(cloud);
  EXPECT_EQ(scene.opacities[0], 1);
  EXPECT_EQ(scene.opacities[1], 0);
}

Scene two_points(glm::vec3 a, glm::vec3 b) {
  GaussianCloud cloud;
  cloud.resize(2);
  cloud.positions = {a, b};
  return activate(cloud);
}

TEST(Frame, SubtractsOneScalarMeanFromEveryAxis) {
  Scene scene = two_points({0, 0, 0}, {3, 0, 0});  // mean over all six numbers: 0.5
  frame(scene, 1.5F);
  EXPECT_FLOAT_EQ(scene.positions[0].x, -0.25F);
  EXPECT_FLOAT_EQ(scene.positions[1].x, 1.25F);
  EXPECT_FLOAT_EQ(scene.positions[1].y, -0.25F) << "their quirk: y is shifted by x's spread";
  EXPECT_FLOAT_EQ(scene.scales[0].x, 0.5F);
}

TEST(Frame, DividesOpacityByTheScaleFactorAndClips) {
  Scene larger = two_points({0, 0, 0}, {1, 0, 0});  // scaled by 1.5
  frame(larger, 1.5F);
  EXPECT_FLOAT_EQ(larger.opacities[0], 0.5F / 1.5F);
  Scene smaller = two_points({0, 0, 0}, {6, 0, 0});  // scaled by 0.25
  frame(smaller, 1.5F);
  EXPECT_FLOAT_EQ(smaller.opacities[0], 1);
}

TEST(Frame, LeavesASceneWithoutExtentAlone) {
  Scene scene = two_points({1, 2, 3}, {1, 2, 3});
  frame(scene);
  EXPECT_EQ(scene.positions[0], glm::vec3(1, 2, 3));
  Scene empty;
  frame(empty);
  EXPECT_EQ(empty.size(), 0U);
}

}  // namespace
}  // namespace lode::splat
