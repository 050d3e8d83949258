#include "dream/finish.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "dream/test_objects.h"
#include "fit/fit.h"
#include "splat/checks.h"

namespace lode::dream {
namespace {

using test::are_equal;
using test::knobbed_ball;

splat::GaussianCloud finished(const splat::GaussianCloud& cloud, const FinishOptions& options,
                              FinishReport* report = nullptr) {
  ThreadPool pool(2);
  auto out = finish(cloud, options, pool, report);
  EXPECT_TRUE(out) << out.error().message();
  return out ? *std::move(out) : splat::GaussianCloud{};
}

/// How the drawn views of two clouds agree, the worst of twelve.
double agreement_db(const splat::GaussianCloud& a, const splat::GaussianCloud& b) {
  ThreadPool pool(2);
  const fit::Dataset views =
      fit::make_dataset(splat::activate(a), fit::dataset_cameras(12, {.radius = 2, .size = 128}));
  double worst = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < views.views.size(); ++i) {
    worst = std::min(worst, fit::measure(b, views, {&i, 1}, glm::vec3(1), pool).psnr_db);
  }
  return worst;
}

void add(splat::GaussianCloud& cloud, const glm::vec3& position, float scale, float logit) {
  cloud.append(cloud, 0);
  cloud.positions.back() = position;
  cloud.log_scales.back() = glm::vec3(std::log(scale));
  cloud.opacity_logits.back() = logit;
}

TEST(Finish, SplitsFewGaussiansIntoEnoughThatDrawTheSame) {
  splat::GaussianCloud few = knobbed_ball(1200);
  Rng rng(4);
  for (std::size_t i = 0; i < few.size(); ++i) {  // of all shapes and opacities
    few.log_scales[i] += glm::vec3(rng.uniform(-0.8, 0.6), rng.uniform(-0.8, 0.6), -0.5);
    few.rotations[i] =
        glm::quat(static_cast<float>(rng.normal()), 0.3F, static_cast<float>(rng.normal()), 0.5F);
    few.opacity_logits[i] = static_cast<float>(rng.uniform(-3, 4));
  }
  FinishReport report;
  const splat::GaussianCloud many = finished(few, {}, &report);
  EXPECT_EQ(many.size(), splat::kPreconditionedGaussians);
  EXPECT_EQ(report.split, many.size() - few.size());
  EXPECT_GT(agreement_db(few, many), 35);
  EXPECT_TRUE(splat::check(splat::activate(many)).valid());
}

TEST(Finish, SplittingBearsTheMostOpaque) {
  splat::GaussianCloud few = knobbed_ball(300);
  std::fill(few.opacity_logits.begin(), few.opacity_logits.end(), 40.0F);
  const splat::GaussianCloud many = finished(few, {.least = 1000});
  for (const float logit : many.opacity_logits) {
    ASSERT_TRUE(std::isfinite(logit));
  }
  EXPECT_GT(agreement_db(few, many), 35);
}

TEST(Finish, DropsWhatIsFaintHugeOrNotFinite) {
  splat::GaussianCloud cloud = knobbed_ball();
  add(cloud, glm::vec3(0), 0.02F, splat::logit(0.009F));
  add(cloud, glm::vec3(0), 0.11F, 2);
  add(cloud, glm::vec3(0), 0.02F, std::numeric_limits<float>::quiet_NaN());
  FinishReport report;
  const splat::GaussianCloud out = finished(cloud, {.least = 0}, &report);
  EXPECT_EQ(report.faint, 1U);
  EXPECT_EQ(report.huge, 1U);
  EXPECT_EQ(report.not_finite, 1U);
  EXPECT_EQ(out.positions, knobbed_ball().positions);
}

TEST(Finish, DropsASmallGroupFarAwayButNotAThinPartThatIsConnected) {
  splat::GaussianCloud cloud = knobbed_ball();
  const std::size_t whole = cloud.size();
  for (int i = 0; i < 12; ++i) {  // an antenna
    add(cloud, glm::vec3(0, 0.46F + 0.03F * static_cast<float>(i), 0), 0.012F, 3);
  }
  const std::size_t with_antenna = cloud.size();
  for (int i = 0; i < 5; ++i) {  // a floater
    add(cloud, glm::vec3(1.4F + 0.01F * static_cast<float>(i), 0, 0), 0.02F, 3);
  }
  ASSERT_GT(with_antenna, whole);
  FinishReport report;
  const splat::GaussianCloud out = finished(cloud, {.least = 0}, &report);
  EXPECT_EQ(report.floaters, 5U);
  EXPECT_EQ(out.size(), with_antenna);
  EXPECT_LT(splat::bounds(out.positions).max.x, 0.6F);
}

TEST(Finish, AFewStraysDoNotStretchTheMeasureOfTheObject) {
  splat::GaussianCloud cloud = knobbed_ball();
  add(cloud, glm::vec3(30, 0, 0), 0.02F, 3);
  add(cloud, glm::vec3(0, -50, 1), 0.02F, 3);
  FinishReport report;
  finished(cloud, {.least = 0}, &report);
  EXPECT_EQ(report.floaters, 2U);
}

TEST(Finish, KeepsAPairAndASwarm) {
  splat::GaussianCloud pair = knobbed_ball(500);
  for (std::size_t i = 0; i < 500; ++i) {
    pair.append(pair, i);
    pair.positions.back().x += 2;
  }
  EXPECT_EQ(finished(pair, {.least = 0}).size(), 1000U);

  splat::GaussianCloud swarm;  // a hundred bits, each one per cent
  swarm.resize(100);
  for (std::size_t i = 0; i < 100; ++i) {
    swarm.positions[i] = {static_cast<float>(i % 10), static_cast<float>(i / 10), 0};
    swarm.log_scales[i] = glm::vec3(-3);
    swarm.opacity_logits[i] = 3;
  }
  EXPECT_EQ(finished(swarm, {.least = 0}).size(), 100U);
}

TEST(Finish, DropsWhatAddsLeastWhenThereAreTooMany) {
  splat::GaussianCloud cloud = knobbed_ball(4000);
  const splat::GaussianCloud shell = cloud;
  // Opaque gaussians in the middle, where no view shows them.
  Rng rng(8);
  for (int i = 0; i < 500; ++i) {
    add(cloud, 0.1F * glm::vec3(rng.normal(), rng.normal(), rng.normal()), 0.03F, 4);
  }
  FinishReport report;
  const splat::GaussianCloud out = finished(cloud, {.least = 0, .most = 4000}, &report);
  EXPECT_EQ(out.size(), 4000U);
  EXPECT_EQ(report.weak, 500U);
  EXPECT_GT(agreement_db(cloud, out), 35);
  const auto hidden = std::count_if(out.positions.begin(), out.positions.end(),
                                    [](const glm::vec3& p) { return glm::length(p) < 0.25F; });
  EXPECT_LT(hidden, 50);
}

TEST(Finish, BlendingWeightsSumToWhatTheViewsCover) {
  ThreadPool pool(2);
  const splat::GaussianCloud cloud = knobbed_ball();
  const std::vector<float> weights = blending_weights(cloud, 3, 2, pool);
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  double alpha = 0;
  for (const render::Camera& camera : fit::dataset_cameras(3, {.radius = 2, .size = 256})) {
    const render::Frame frame = render::render(splat::activate(cloud), camera);
    alpha = std::accumulate(frame.alpha.begin(), frame.alpha.end(), alpha);
  }
  EXPECT_NEAR(sum, alpha, 1e-3 * alpha);
}

TEST(Finish, GivesUnitQuaternionsAndTheSameBytesForAnyThreads) {
  splat::GaussianCloud cloud = knobbed_ball(3000);
  for (glm::quat& rotation : cloud.rotations) {
    rotation = rotation * 3.0F;
  }
  ThreadPool one(1), three(3);
  const FinishOptions options{.least = 0, .most = 2000};
  const auto a = finish(cloud, options, one), b = finish(cloud, options, three);
  ASSERT_TRUE(a && b);
  EXPECT_TRUE(are_equal(*a, *b));
  for (const glm::quat& rotation : a->rotations) {
    ASSERT_NEAR(glm::length(rotation), 1, 1e-5);
  }
}

TEST(Finish, RefusesACloudOfNothing) {
  splat::GaussianCloud cloud = knobbed_ball(10);
  std::fill(cloud.opacity_logits.begin(), cloud.opacity_logits.end(), -9.0F);
  ThreadPool pool(1);
  const auto out = finish(cloud, {}, pool);
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, Errc::invalid_input);
  EXPECT_FALSE(finish({}, {}, pool));
}

}  // namespace
}  // namespace lode::dream
