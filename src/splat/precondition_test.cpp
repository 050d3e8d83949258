#include "splat/precondition.h"

#include <gtest/gtest.h>

#include <cmath>

#include "splat/spz.h"
#include "tests/support/clouds.h"

namespace lode::splat {
namespace {

Scene through_spz(const GaussianCloud& cloud) {
  const auto packed = encode_spz(cloud);
  EXPECT_TRUE(packed) << packed.error().message();
  const auto unpacked = decode_spz(*packed);
  EXPECT_TRUE(unpacked) << unpacked.error().message();
  return activate(*unpacked);
}

/// Random clouds of very different sizes, places and shapes.
GaussianCloud awkward_cloud(Rng& rng) {
  GaussianCloud cloud = test::random_cloud(rng, 200 + rng.below(12000));
  const auto size = static_cast<float>(std::exp(rng.uniform(-6, 6)));
  glm::vec3 shape(1), place(0);
  for (int axis = 0; axis < 3; ++axis) {
    shape[axis] = rng.uniform() < 0.15 ? 0.0F : static_cast<float>(rng.uniform());
    place[axis] = static_cast<float>(rng.uniform(-50, 50));
  }
  shape[static_cast<int>(rng.below(3))] = 1;
  const bool is_lopsided = rng.uniform() < 0.3;
  for (glm::vec3& p : cloud.positions) {
    if (is_lopsided && rng.uniform() < 0.97) {
      p = glm::vec3(-1);
    }
    p = (p * shape + place) * size;
  }
  return cloud;
}

TEST(Precondition, MakesTheValidatorsFramingTheIdentityAfterPacking) {
  Rng rng(11);
  for (int round = 0; round < 25; ++round) {
    const auto cloud = precondition(awkward_cloud(rng), rng);
    ASSERT_TRUE(cloud) << cloud.error().message();
    const Scene packed = through_spz(*cloud);
    ASSERT_EQ(packed.size(), cloud->size());
    EXPECT_EQ(bounds(packed.positions).extent(), 1.5F) << "round " << round;
    glm::dvec3 mean(0);
    for (const glm::vec3& p : packed.positions) {
      mean += glm::dvec3(p) / static_cast<double>(packed.size());
    }
    for (int axis = 0; axis < 3; ++axis) {
      EXPECT_LE(std::abs(mean[axis]), 0.5 / 4096 + 1e-9) << "round " << round;
    }
    Scene framed = packed;
    frame(framed);
    for (std::size_t i = 0; i < packed.size(); ++i) {
      ASSERT_EQ(framed.scales[i], packed.scales[i]);
      ASSERT_EQ(framed.opacities[i], packed.opacities[i]);
      for (int axis = 0; axis < 3; ++axis) {
        ASSERT_NEAR(framed.positions[i][axis], packed.positions[i][axis], 0.5 / 4096 + 1e-6);
      }
    }
    EXPECT_TRUE(check(packed).valid()) << check(packed).reasons.front();
  }
}

TEST(Precondition, BringsTheMeanOfOrdinaryCloudsToZeroExactly) {
  Rng rng(12);
  for (int round = 0; round < 5; ++round) {
    const auto cloud = precondition(test::random_cloud(rng, 8000), rng);
    ASSERT_TRUE(cloud);
    glm::dvec3 sum(0);
    for (const glm::vec3& p : cloud->positions) {
      sum += p;
    }
    EXPECT_EQ(sum, glm::dvec3(0));
  }
}

TEST(Precondition, ScalesGaussiansWithTheirPositions) {
  Rng rng(20);
  GaussianCloud cloud = test::random_cloud(rng, 8000);
  cloud.positions[0] = glm::vec3(-6);
  cloud.positions[1] = glm::vec3(6);  // extent 12: shrunk to an eighth
  cloud.opacity_logits[0] = cloud.opacity_logits[1] = cloud.opacity_logits[2] = 1;
  const auto out = precondition(cloud, rng);
  ASSERT_TRUE(out);
  EXPECT_NEAR(out->log_scales[2].x, cloud.log_scales[2].x - std::log(8.0F), 1e-5);
  const float before = glm::distance(cloud.positions[0], cloud.positions[2]);
  EXPECT_NEAR(glm::distance(out->positions[0], out->positions[2]), before / 8, 3.0 * 4 / 4096);
}

TEST(Precondition, IsExactOnWhatItMade) {
  Rng rng(13);
  const auto once = precondition(test::random_cloud(rng, 8000), rng);
  ASSERT_TRUE(once);
  const auto twice = precondition(*once, rng);
  ASSERT_TRUE(twice);
  EXPECT_EQ(twice->positions, once->positions);
  EXPECT_EQ(twice->log_scales, once->log_scales);
  EXPECT_EQ(twice->opacity_logits, once->opacity_logits);
}

TEST(Precondition, DropsInvisibleAndBrokenGaussians) {
  Rng rng(14);
  GaussianCloud cloud = test::random_cloud(rng, 9000);
  for (float& logit : cloud.opacity_logits) {
    logit = 2;
  }
  for (std::size_t i = 0; i < 100; ++i) {
    cloud.opacity_logits[i * 7] = -6;  // alpha 0.0025
  }
  cloud.positions[1].x = NAN;
  cloud.log_scales[2].y = INFINITY;
  cloud.opacity_logits[3] = -INFINITY;
  cloud.opacity_logits[4] = INFINITY;  // wholly opaque: kept
  const auto out = precondition(cloud, rng);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->size(), 9000 - 103);
  EXPECT_TRUE(encode_spz(*out));
}

TEST(Precondition, SplitsUntilThereAreEnough) {
  Rng rng(15);
  for (const std::size_t count : {2, 100, 6999, 7249}) {
    GaussianCloud cloud = test::random_cloud(rng, count);
    std::fill(cloud.opacity_logits.begin(), cloud.opacity_logits.end(), 3.0F);
    const auto out = precondition(cloud, rng);
    ASSERT_TRUE(out);
    EXPECT_EQ(out->size(), kPreconditionedGaussians);
  }
}

TEST(Precondition, RefusesCloudsThatCannotBeSeen) {
  Rng rng(17);
  EXPECT_FALSE(precondition(GaussianCloud{}, rng));
  GaussianCloud invisible = test::random_cloud(rng, 10);
  std::fill(invisible.opacity_logits.begin(), invisible.opacity_logits.end(), -20.0F);
  EXPECT_FALSE(precondition(invisible, rng));
  GaussianCloud point = test::random_cloud(rng, 8000);
  std::fill(point.positions.begin(), point.positions.end(), glm::vec3(3));
  const auto refused = precondition(point, rng);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::invalid_input);
}

TEST(Precondition, MovesTheUnitCornerOutOfTheFirstThree) {
  Rng rng(18);
  GaussianCloud cloud;
  cloud.resize(8000);
  std::fill(cloud.log_scales.begin(), cloud.log_scales.end(), glm::vec3(-4));
  // One gaussian at (1, 1, 1), the others around (-1/7999, ...): a box of 1.5 with mean 0.
  for (std::size_t i = 1; i < cloud.size(); ++i) {
    cloud.positions[i] = glm::vec3(-1.0F / 4096 * static_cast<float>(i % 2));
  }
  cloud.positions[1] = glm::vec3(-0.5F);
  cloud.positions[0] = glm::vec3(1);
  const auto out = precondition(cloud, rng);
  ASSERT_TRUE(out);
  EXPECT_TRUE(check(activate(*decode_spz(*encode_spz(*out)))).valid());
}

TEST(Precondition, DependsOnTheSeedOnlyThroughTheMovedGaussians) {
  Rng source(19);
  const GaussianCloud cloud = test::random_cloud(source, 9000);
  Rng a(1), b(1), c(2);
  const auto first = precondition(cloud, a), same = precondition(cloud, b),
             other = precondition(cloud, c);
  EXPECT_EQ(first->positions, same->positions);
  EXPECT_NE(first->positions, other->positions);
  for (std::size_t i = 0; i < first->size(); ++i) {
    const glm::vec3 moved = glm::abs(first->positions[i] - other->positions[i]);
    EXPECT_LE(std::max({moved.x, moved.y, moved.z}), 4.0F / 4096);
  }
}

}  // namespace
}  // namespace lode::splat
