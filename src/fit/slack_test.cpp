#include "fit/slack.h"

#include <gtest/gtest.h>

#include <cmath>
#include <glm/geometric.hpp>
#include <numeric>

#include "fit/fit.h"
#include "tests/support/clouds.h"

namespace lode::fit {
namespace {

/// Blobs without symmetry, so that a turn shows.
splat::GaussianCloud blobs() {
  Rng rng(21);
  splat::GaussianCloud cloud = test::random_cloud(rng, 50);
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    cloud.positions[i] *= 0.5F;
    cloud.log_scales[i] = glm::max(cloud.log_scales[i], glm::vec3(-3.0F));
    cloud.opacity_logits[i] = std::abs(cloud.opacity_logits[i]);
    cloud.f_dc[i] = glm::clamp(cloud.f_dc[i], glm::vec3(-1.2F), glm::vec3(1.2F));
  }
  return cloud;
}

/// Four views a quarter turn apart; the last one was taken from `off` degrees beside where it says.
Dataset four_views(float off) {
  const splat::Scene scene = splat::activate(blobs());
  std::vector<render::Camera> told, taken;
  for (int i = 0; i < 4; ++i) {
    const float azimuth = 90.0F * static_cast<float>(i);
    told.push_back(render::orbit_camera({.azimuth_deg = azimuth, .size = 64}));
    taken.push_back(
        render::orbit_camera({.azimuth_deg = azimuth + (i == 3 ? off : 0), .size = 64}));
  }
  Dataset dataset = make_dataset(scene, taken);
  for (std::size_t i = 0; i < 4; ++i) {
    dataset.views[i].camera = told[i];
    dataset.views[i].is_exact = i != 3;
  }
  return dataset;
}

const std::vector<std::size_t> kAll{0, 1, 2, 3};

/// Steps that leave the cloud as it is, so that only corrections can explain the views.
FitOptions frozen(int iterations) {
  FitOptions options = standard_options(iterations, 2.75F);
  options.rates = {};
  options.position_rate_first = options.position_rate_last = 1e-12F;
  options.densify_interval = 0;
  return options;
}

TEST(ViewSlack, WithoutCorrectionsIsTheCameraAsTold) {
  const Dataset dataset = four_views(0);
  const ViewSlack slack(dataset, kAll, {0.1F, 0.2F, 0}, {});
  const render::Camera camera = slack.camera(3);
  EXPECT_EQ(camera.translation, dataset.views[3].camera.translation);
  EXPECT_EQ(camera.rotation, dataset.views[3].camera.rotation);
  EXPECT_EQ(slack.gain(3), glm::vec3(1));
}

TEST(ViewSlack, FindsACameraThatStandsBesideWhereItSays) {
  const Dataset dataset = four_views(3);
  FitOptions options = frozen(400);
  options.slack = {.turn_rate = 0.002F, .shift_rate = 0.001F};
  ThreadPool pool(2);
  Fitter fitter({dataset, kAll, blobs()}, options, Rng(1), pool);
  while (!fitter.is_done()) {
    ASSERT_TRUE(fitter.step());
  }
  const auto centre = [](const render::Camera& camera) {
    return -(glm::transpose(camera.rotation) * camera.translation);
  };
  const glm::vec3 truth = centre(render::orbit_camera({.azimuth_deg = 273, .size = 64}));
  const float before = glm::length(centre(dataset.views[3].camera) - truth);
  EXPECT_GT(before, 0.12F);
  EXPECT_LT(glm::length(centre(fitter.slack().camera(3)) - truth), 0.3F * before);
  EXPECT_EQ(fitter.slack().camera(0).translation, dataset.views[0].camera.translation);
}

TEST(ViewSlack, TurnsNothingThatAllViewsShare) {
  Dataset dataset = four_views(3);
  for (View& view : dataset.views) {
    view.is_exact = false;
  }
  FitOptions options = frozen(60);
  options.slack = {.turn_rate = 0.002F, .shift_rate = 0.001F};
  ThreadPool pool(1);
  Fitter fitter({dataset, kAll, blobs()}, options, Rng(1), pool);
  while (!fitter.is_done()) {
    ASSERT_TRUE(fitter.step());
  }
  glm::vec3 sum(0);
  for (const std::size_t i : kAll) {
    const auto turn =
        glm::transpose(dataset.views[i].camera.rotation) * fitter.slack().camera(i).rotation;
    sum += glm::vec3(turn[1][2] - turn[2][1], turn[2][0] - turn[0][2], turn[0][1] - turn[1][0]);
  }
  EXPECT_LT(glm::length(sum), 2e-3F);
}

TEST(ViewSlack, FindsTheGainOfAViewThatIsTooBright) {
  Dataset dataset = four_views(0);
  for (std::size_t i = 0; i < dataset.views[3].picture.pixels.size(); ++i) {
    std::uint8_t& value = dataset.views[3].picture.pixels[i];
    if (i % 4 < 3) {
      value = static_cast<std::uint8_t>(value * (i % 4 == 1 ? 0.8 : 0.9));
    }
  }
  FitOptions options = frozen(60);
  options.slack.gain_rate = 0.3F;
  ThreadPool pool(1);
  Fitter fitter({dataset, kAll, blobs()}, options, Rng(1), pool);
  while (!fitter.is_done()) {
    ASSERT_TRUE(fitter.step());
  }
  EXPECT_NEAR(fitter.slack().gain(3).r, 0.9F, 0.02F);
  EXPECT_NEAR(fitter.slack().gain(3).g, 0.8F, 0.02F);
  EXPECT_EQ(fitter.slack().gain(1), glm::vec3(1));
}

}  // namespace
}  // namespace lode::fit
