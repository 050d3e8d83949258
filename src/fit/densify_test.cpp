#include "fit/densify.h"

#include <gtest/gtest.h>

#include <cmath>
#include <glm/geometric.hpp>

namespace lode::fit {
namespace {

constexpr float kSmall = 0.005F, kLarge = 0.05F;  // beside percent_dense * extent = 0.01

/// Gaussians of these sizes in a row along x, opacity 1/2, with moments that tell them apart.
struct Fixture {
  explicit Fixture(const std::vector<float>& sizes)
      : adam(sizes.size(), 0), densifier(sizes.size()), half_size(50, 25) {
    cloud.resize(sizes.size());
    splat::GaussianCloud gradient = cloud;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      cloud.positions[i] = {static_cast<float>(i), 0, 0};
      cloud.log_scales[i] = glm::vec3(std::log(sizes[i]), -9, -9);
      cloud.f_dc[i] = glm::vec3(static_cast<float>(i));
      gradient.positions[i] = glm::vec3(static_cast<float>(i + 1));
    }
    ThreadPool pool(1);
    adam.step(cloud, gradient, {}, pool);
  }

  /// A view in which the gaussians have these gradients (along x, pixels); all are drawn.
  void see(const std::vector<float>& gradients) {
    std::vector<glm::vec2> centres;
    for (const float g : gradients) {
      centres.emplace_back(g, 0);
    }
    densifier.accumulate(centres, std::vector<float>(centres.size(), 1.0F), half_size);
  }

  splat::GaussianCloud cloud;
  Adam adam;
  Densifier densifier;
  glm::vec2 half_size;
  DensifyOptions options{.gradient_threshold = 0.5F, .max_scale = 1};
  Rng rng{1};
};

TEST(Densify, ClonesSmallGaussiansFromTheThresholdOn) {
  Fixture f({kSmall, kSmall, kSmall});
  f.see({0.01F, 0.0099F, 0.02F});  // times half the width: 0.5, 0.495, 1
  const DensifyReport report = f.densifier.densify(f.cloud, f.adam, f.options, f.rng);
  EXPECT_EQ(report.cloned, 2U);
  EXPECT_EQ(report.split, 0U);
  ASSERT_EQ(f.cloud.size(), 5U);
  EXPECT_EQ(f.cloud.positions[3], f.cloud.positions[0]);
  EXPECT_EQ(f.cloud.log_scales[4], f.cloud.log_scales[2]);
  EXPECT_EQ(f.cloud.f_dc[4], f.cloud.f_dc[2]);
  // The originals keep their moments, the copies start at zero.
  EXPECT_GT(f.adam.first_moment().positions[2].x, 0.29F);
  EXPECT_EQ(f.adam.first_moment().positions[4], glm::vec3(0));
}

TEST(Densify, SplitsLargeGaussiansIntoTwoSmallerOnes) {
  Fixture f({kSmall, kLarge, kSmall});
  f.see({0, 1, 0});
  const DensifyReport report = f.densifier.densify(f.cloud, f.adam, f.options, f.rng);
  EXPECT_EQ(report.split, 1U);
  EXPECT_EQ(report.cloned, 0U);
  ASSERT_EQ(f.cloud.size(), 4U);
  EXPECT_EQ(f.cloud.f_dc[1], glm::vec3(2)) << "the original is gone";
  EXPECT_NEAR(f.adam.first_moment().positions[1].x, 0.3F, 1e-5F) << "its moments went with it";
  for (const std::size_t part : {2U, 3U}) {
    EXPECT_EQ(f.cloud.f_dc[part], glm::vec3(1));
    EXPECT_NEAR(std::exp(f.cloud.log_scales[part].x), kLarge / 1.6F, 1e-6F);
    EXPECT_LT(glm::length(f.cloud.positions[part] - glm::vec3(1, 0, 0)), 5 * kLarge);
    EXPECT_EQ(f.adam.first_moment().positions[part], glm::vec3(0));
  }
  EXPECT_NE(f.cloud.positions[2], f.cloud.positions[3]);
}

TEST(Densify, SplitsAlongTheGaussiansOwnAxes) {
  Fixture f(std::vector<float>(200, kLarge));
  const float quarter = std::sqrt(0.5F);  // x becomes y
  f.cloud.rotations.assign(200, glm::quat(2 * quarter, 0, 0, 2 * quarter));
  f.see(std::vector<float>(200, 1.0F));
  f.densifier.densify(f.cloud, f.adam, f.options, f.rng);
  ASSERT_EQ(f.cloud.size(), 400U);
  double along_x = 0, along_y = 0;
  for (std::size_t i = 0; i < 400; ++i) {
    const glm::vec3 offset = f.cloud.positions[i] - glm::vec3(f.cloud.f_dc[i].x, 0, 0);
    along_x += static_cast<double>(offset.x * offset.x) / 400;
    along_y += static_cast<double>(offset.y * offset.y) / 400;
  }
  EXPECT_NEAR(std::sqrt(along_y), static_cast<double>(kLarge), 0.15 * static_cast<double>(kLarge));
  EXPECT_LT(std::sqrt(along_x), 0.001);
}

TEST(Densify, AveragesOverTheViewsThatDrewAGaussian) {
  Fixture f({kSmall, kSmall});
  const std::vector<glm::vec2> gradients(2, glm::vec2(0.012F, 0));  // 0.6 when drawn
  f.densifier.accumulate(gradients, std::vector<float>{1, 1}, f.half_size);
  // Not drawn does not count; drawn without a gradient halves the mean.
  f.densifier.accumulate(std::vector<glm::vec2>(2), std::vector<float>{0, 1}, f.half_size);
  f.densifier.densify(f.cloud, f.adam, f.options, f.rng);
  ASSERT_EQ(f.cloud.size(), 3U);
  EXPECT_EQ(f.cloud.f_dc[2], glm::vec3(0));
  // Gathering starts anew.
  EXPECT_EQ(f.densifier.densify(f.cloud, f.adam, f.options, f.rng).cloned, 0U);
}

TEST(Densify, CountsHeightsInHalfHeights) {
  Fixture f({kSmall, kSmall});
  const std::vector<glm::vec2> gradients{{0, 0.019F}, {0, 0.021F}};  // times 25: 0.475, 0.525
  f.densifier.accumulate(gradients, std::vector<float>{1, 1}, f.half_size);
  f.densifier.densify(f.cloud, f.adam, f.options, f.rng);
  ASSERT_EQ(f.cloud.size(), 3U);
  EXPECT_EQ(f.cloud.f_dc[2], glm::vec3(1));
}

TEST(Densify, DropsFaintAndHugeGaussiansWithTheirMoments) {
  Fixture f({kSmall, kSmall, 1.5F, kSmall});
  f.cloud.opacity_logits = {splat::logit(0.004F), splat::logit(0.006F), 3, 3};
  const DensifyReport report = f.densifier.densify(f.cloud, f.adam, f.options, f.rng);
  EXPECT_EQ(report.dropped, 2U);
  ASSERT_EQ(f.cloud.size(), 2U);
  EXPECT_EQ(f.cloud.f_dc[0], glm::vec3(1));
  EXPECT_EQ(f.cloud.f_dc[1], glm::vec3(3));
  EXPECT_NEAR(f.adam.first_moment().positions[1].x, 0.4F, 1e-5F);
}

TEST(Densify, AtTheLimitTheStrongestGradientsGoFirst) {
  Fixture f({kSmall, kSmall, kLarge, kSmall});
  f.options.max_gaussians = 6;
  f.see({0.1F, 0.3F, 0.4F, 0.2F});
  const DensifyReport report = f.densifier.densify(f.cloud, f.adam, f.options, f.rng);
  EXPECT_EQ(report.cloned, 1U);
  EXPECT_EQ(report.split, 1U);
  ASSERT_EQ(f.cloud.size(), 6U);
  EXPECT_EQ(f.cloud.f_dc[3], glm::vec3(1)) << "the clone of the second strongest";
  f.options.max_gaussians = 3;
  f.see(std::vector<float>(6, 1.0F));
  f.densifier.densify(f.cloud, f.adam, f.options, f.rng);
  EXPECT_EQ(f.cloud.size(), 6U);
}

TEST(Densify, OpacityResetLowersOnlyWhatIsAbove) {
  Fixture f({kSmall, kSmall});
  f.cloud.opacity_logits = {4, -7};
  reset_opacity(f.cloud, f.adam);
  EXPECT_NEAR(1 / (1 + std::exp(-f.cloud.opacity_logits[0])), 0.01F, 1e-6F);
  EXPECT_EQ(f.cloud.opacity_logits[1], -7);
}

}  // namespace
}  // namespace lode::fit
