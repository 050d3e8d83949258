#include "fit/start.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <glm/geometric.hpp>
#include <numeric>

namespace lode::fit {
namespace {

/// A red ball of radius 0.3 about a centre, seen from all sides.
Dataset ball_views(glm::vec3 centre, int channels) {
  splat::Scene ball;
  ball.positions = {centre};
  ball.scales = {glm::vec3(0.1F)};
  ball.rotations = {glm::quat(1, 0, 0, 0)};
  ball.opacities = {0.99F};
  ball.colours = {{0.8F, 0.1F, 0.1F}};
  Dataset dataset = make_dataset(ball, dataset_cameras(12, {.size = 64}));
  for (View& view : dataset.views) {
    if (channels == 3) {
      view.picture = image::composite_over(view.picture, {255, 255, 255});
    }
  }
  return dataset;
}

std::vector<std::size_t> all_views(const Dataset& dataset) {
  std::vector<std::size_t> views(dataset.views.size());
  std::iota(views.begin(), views.end(), 0U);
  return views;
}

TEST(Place, OfAnOrbitIsItsCentreAndWhatItsPicturesShow) {
  const Place place = find_place(dataset_cameras(40, {.radius = 3, .size = 64}));
  EXPECT_LT(glm::length(place.centre), 1e-4F);
  EXPECT_NEAR(place.radius, 3 * std::sin(glm::radians(49.1F / 2)), 1e-3F);
  EXPECT_NEAR(place.extent, 1.1F * 3, 0.05F);
}

TEST(Place, OfACameraAloneIsOnItsAxis) {
  const Place place = find_place(std::vector{render::orbit_camera({.radius = 2, .size = 64})});
  EXPECT_LT(glm::length(place.centre), 1e-3F);
  EXPECT_GT(place.radius, 0.5F);
  EXPECT_GT(place.extent, 0.5F);
  const Place nowhere = find_place(std::vector<render::Camera>{});
  EXPECT_EQ(nowhere.radius, 1);
}

TEST(Start, LiesInsideTheSilhouettesInTheirColour) {
  const glm::vec3 centre(0.2F, -0.1F, 0.3F);
  const Dataset dataset = ball_views(centre, 4);
  const auto cloud = start_cloud(dataset, all_views(dataset), {.gaussians = 500}, Rng(1));
  ASSERT_EQ(cloud.size(), 500U);
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    EXPECT_LT(glm::length(cloud.positions[i] - centre), 0.35F) << i;
    EXPECT_NEAR(0.5F + splat::kShC0 * cloud.f_dc[i].r, 0.8F, 0.05F) << i;
    EXPECT_NEAR(0.5F + splat::kShC0 * cloud.f_dc[i].g, 0.1F, 0.05F) << i;
    EXPECT_NEAR(1 / (1 + std::exp(-cloud.opacity_logits[i])), 0.1F, 1e-5F) << i;
  }
}

TEST(Start, WithoutAlphaIsAGreyBall) {
  const Dataset dataset = ball_views({0.2F, 0, 0}, 3);
  const auto cloud =
      start_cloud(dataset, all_views(dataset), {.gaussians = 500, .sh_degree = 2}, Rng(1));
  ASSERT_EQ(cloud.size(), 500U);
  EXPECT_EQ(cloud.sh_rest.size(), 500U * 8 * 3);
  float farthest = 0;
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    farthest = std::max(farthest, glm::length(cloud.positions[i]));
    EXPECT_EQ(cloud.f_dc[i], glm::vec3(0));
  }
  EXPECT_LT(farthest, 0.65F);
  EXPECT_GT(farthest, 0.5F);
}

TEST(Start, IsABallAgainWhenSilhouettesDoNotMeet) {
  Dataset dataset = ball_views({0.4F, 0, 0}, 4);
  const Dataset elsewhere = ball_views({-0.4F, 0, 0}, 4);
  for (std::size_t i = 0; i < dataset.views.size(); i += 2) {
    dataset.views[i] = elsewhere.views[i];
  }
  // Two views from the front and the back would still meet; twelve do not.
  const auto cloud = start_cloud(dataset, all_views(dataset), {.gaussians = 50}, Rng(1));
  ASSERT_EQ(cloud.size(), 50U);
  EXPECT_EQ(cloud.f_dc[7], glm::vec3(0));
}

TEST(Start, IsTheSameForASeedAndAnotherForAnother) {
  const Dataset dataset = ball_views({0, 0, 0}, 4);
  const auto views = all_views(dataset);
  const auto a = start_cloud(dataset, views, {.gaussians = 50}, Rng(1));
  EXPECT_EQ(a.positions, start_cloud(dataset, views, {.gaussians = 50}, Rng(1)).positions);
  EXPECT_NE(a.positions, start_cloud(dataset, views, {.gaussians = 50}, Rng(2)).positions);
}

TEST(NeighbourScales, AreTheThreeNearestOthersWhateverTheOrder) {
  Rng rng(5);
  std::vector<glm::vec3> points;
  for (int i = 0; i < 300; ++i) {
    points.emplace_back(rng.uniform(), rng.uniform(), rng.uniform());
  }
  const std::vector<float> scales = neighbour_log_scales(points);
  for (std::size_t i = 0; i < points.size(); ++i) {
    std::vector<float> squares;
    for (std::size_t k = 0; k < points.size(); ++k) {
      const glm::vec3 delta = points[i] - points[k];
      squares.push_back(k == i ? 1e9F : glm::dot(delta, delta));
    }
    std::partial_sort(squares.begin(), squares.begin() + 3, squares.end());
    const float mean = (squares[0] + squares[1] + squares[2]) / 3;
    EXPECT_NEAR(scales[i], std::log(std::sqrt(mean)), 1e-4F) << i;
  }
}

TEST(NeighbourScales, OfCoincidentPointsAreBounded) {
  const std::vector<float> scales = neighbour_log_scales(std::vector<glm::vec3>(10, glm::vec3(1)));
  EXPECT_NEAR(scales[9], std::log(std::sqrt(1e-7F)), 1e-5F);
  EXPECT_TRUE(std::isfinite(neighbour_log_scales({glm::vec3(1)})[0]));
  EXPECT_TRUE(neighbour_log_scales({}).empty());
}

TEST(WithDegree, AddsZerosOrCutsOff) {
  splat::GaussianCloud cloud;
  cloud.sh_degree = 1;
  cloud.resize(2);
  std::iota(cloud.sh_rest.begin(), cloud.sh_rest.end(), 1.0F);
  const auto higher = with_degree(cloud, 2);
  EXPECT_EQ(higher.sh_rest[8], 9);
  EXPECT_EQ(higher.sh_rest[9], 0);
  EXPECT_EQ(higher.sh_rest[24], 10);
  EXPECT_EQ(with_degree(higher, 1).sh_rest, cloud.sh_rest);
  EXPECT_TRUE(with_degree(cloud, 0).sh_rest.empty());
}

}  // namespace
}  // namespace lode::fit
