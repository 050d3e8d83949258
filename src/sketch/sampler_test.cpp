#include "sketch/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <glm/geometric.hpp>

#include "sketch/scene_field.h"

namespace lode::sketch {
namespace {

using glm::vec3;

PlacedPart plain(Solid solid) { return place({std::move(solid), {}}, {}); }

float nearest(const std::vector<SurfacePoint>& points, const vec3& p) {
  float least = 1e9F;
  for (const SurfacePoint& point : points) {
    least = std::min(least, glm::distance(point.position, p));
  }
  return least;
}

std::vector<std::vector<PlacedPart>> shapes() {
  return {{plain(sphere(0.5F))},
          {plain(box(0.6F, 0.2F, 0.4F))},
          {plain(torus(0.5F, 0.12F))},
          {plain(sphere(0.4F)), plain(box(0.1F, 0.7F, 0.1F))},
          {plain(sphere(0.6F).shell(0.04F))}};
}

TEST(Sampler, PointsLieOnTheSurfaceWithOutwardNormals) {
  for (const auto& parts : shapes()) {
    for (const SurfacePoint& point : sample_surface(parts, 4000, Rng(1))) {
      const Solid& solid = parts[point.part].solid;
      ASSERT_LT(std::abs(solid(point.position)), 0.1F * point.spacing);
      ASSERT_NEAR(glm::length(point.normal), 1.0F, 1e-3F);
      ASSERT_GT(solid(point.position + point.normal * 0.01F), 0.0F);
    }
  }
}

TEST(Sampler, KeepsTheCountWithinATenth) {
  for (const auto& parts : shapes()) {
    for (const std::size_t count : {3000U, 10000U}) {
      const auto points = sample_surface(parts, count, Rng(2));
      EXPECT_NEAR(static_cast<double>(points.size()), static_cast<double>(count),
                  0.1 * static_cast<double>(count));
    }
  }
}

TEST(Sampler, LeavesNoGapsAndNoClumps) {
  const std::vector<PlacedPart> ball = {plain(sphere(0.5F))};
  const auto points = sample_surface(ball, 3000, Rng(3));
  const float spacing = points.front().spacing;
  const auto probes = sample_surface(ball, 500, Rng(4));
  std::size_t far = 0;
  for (const SurfacePoint& probe : probes) {
    const float gap = nearest(points, probe.position);
    EXPECT_LT(gap, 1.5F * spacing);
    far += gap > 1.15F * spacing ? 1 : 0;
  }
  EXPECT_LT(far, probes.size() / 50);
  std::size_t crowded = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    for (std::size_t j = i + 1; j < points.size(); ++j) {
      crowded += glm::distance(points[i].position, points[j].position) < 0.6F * spacing ? 1 : 0;
    }
  }
  EXPECT_LT(crowded, points.size() / 100);
}

TEST(Sampler, SpreadsPointsEvenlyByArea) {
  // Two balls of areas 1 and 4 that do not touch.
  const std::vector<PlacedPart> parts = {plain(sphere(0.25F)), plain(sphere(0.5F).at(1.5F, 0, 0))};
  const auto points = sample_surface(parts, 5000, Rng(5));
  const auto small = static_cast<double>(std::ranges::count(points, 0U, &SurfacePoint::part));
  EXPECT_NEAR(small / static_cast<double>(points.size()), 0.2, 0.02);
}

TEST(Sampler, DrawsNothingInsideOrBetweenParts) {
  const std::vector<PlacedPart> parts = {plain(sphere(0.5F)), plain(sphere(0.3F)),
                                         plain(box(0.1F, 0.1F, 0.1F).at(0.5F, 0, 0))};
  for (const SurfacePoint& point : sample_surface(parts, 3000, Rng(6))) {
    EXPECT_NE(point.part, 1U);
    EXPECT_GT(glm::length(point.position), 0.495F);
  }
}

TEST(Sampler, LiesDenserAtEdgesOfColour) {
  Part part{sphere(0.5F), {}};
  part.paint.pattern = [](const vec3& p, const vec3&, const vec3&) {
    return p.y > 0 ? vec3(1, 0, 0) : vec3(0, 0, 1);
  };
  float at_edge = 1, elsewhere = 0;
  for (const SurfacePoint& point : sample_surface({place(part, {})}, 4000, Rng(7))) {
    if (std::abs(point.position.y) < 0.2F * point.spacing) {
      at_edge = std::min(at_edge, point.spacing);
    } else if (std::abs(point.position.y) > 0.2F) {
      elsewhere = std::max(elsewhere, point.spacing);
    }
  }
  EXPECT_LT(at_edge, 0.6F * elsewhere);
}

TEST(Sampler, RepeatsForTheSameStreamOnly) {
  const auto parts = shapes()[3];
  const auto a = sample_surface(parts, 2000, Rng(8)), b = sample_surface(parts, 2000, Rng(8)),
             c = sample_surface(parts, 2000, Rng(9));
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].position, b[i].position);
  }
  EXPECT_NE(a.front().position, c.front().position);
}

TEST(Sampler, HasNothingToDrawWithoutParts) {
  EXPECT_TRUE(sample_surface({}, 1000, Rng(1)).empty());
  EXPECT_EQ(shade({}, {}).size(), 0U);
}

TEST(Shade, GaussiansLieFlatOnTheSurface) {
  const std::vector<PlacedPart> parts = {plain(sphere(0.5F))};
  const auto points = sample_surface(parts, 2000, Rng(10));
  const splat::GaussianCloud cloud = shade(parts, points);
  ASSERT_EQ(cloud.size(), points.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    const vec3 axis = cloud.rotations[i] * vec3(0, 0, 1);
    EXPECT_GT(glm::dot(axis, points[i].normal), 0.99F);
    const vec3 s = glm::exp(cloud.log_scales[i]);
    EXPECT_LT(s.z, 0.55F * std::min(s.x, s.y));
  }
}

TEST(Shade, GaussiansStayWithinTheSilhouetteAtEdges) {
  const std::vector<PlacedPart> parts = {plain(box(0.5F, 0.5F, 0.5F, 0.005F))};
  const auto points = sample_surface(parts, 5000, Rng(11));
  const splat::GaussianCloud cloud = shade(parts, points);
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    for (const vec3& axis : {vec3(1, 0, 0), vec3(0, 1, 0)}) {
      const vec3 s = glm::exp(cloud.log_scales[i]);
      const vec3 reach = cloud.rotations[i] * (axis * s);
      for (const vec3& end : {cloud.positions[i] + reach, cloud.positions[i] - reach}) {
        ASSERT_LT(parts[0].solid(end), 0.8F * points[i].spacing);
      }
    }
  }
}

TEST(SceneField, DarkensCrevicesAndShadows) {
  // A ball on a plate: the plate is darker close to the ball, and darker still in its shadow.
  const std::vector<PlacedPart> parts = {plain(box(1, 0.05F, 1)),
                                         plain(sphere(0.3F).at(0, 0.35F, 0))};
  const SceneField field(parts, 0.4F);
  const vec3 up(0, 1, 0);
  const Exposure open = field.exposure({-0.9F, 0.05F, -0.9F}, up);
  const Exposure close = field.exposure({0.12F, 0.05F, 0.1F}, up);
  const vec3 away = -key_light() / key_light().y;
  const Exposure shadowed = field.exposure(vec3(0, 0.05F, 0) + vec3(away.x, 0, away.z) * 0.3F, up);
  EXPECT_GT(open.ambient, 0.9F);
  EXPECT_LT(close.ambient, 0.8F * open.ambient);
  EXPECT_GT(open.key, 0.95F);
  EXPECT_LT(shadowed.key, 0.5F);
}

TEST(Placement, GoesThereAndBack) {
  Placement placement;
  placement.scale = {2, 0.5F, 1.5F};
  placement.turn = 0.7F;
  placement.offset = {1, -2, 3};
  const vec3 p(0.3F, 0.4F, -0.5F);
  EXPECT_LT(glm::distance(placement.to_object(placement.to_world(p)), p), 1e-6F);
  const Solid ball = sphere(0.5F);
  const PlacedPart placed = place({ball, {}}, placement);
  EXPECT_NEAR(placed.solid(placement.to_world({0, 0.5F, 0})), 0.0F, 1e-6F);
}

TEST(Sampler, EndsWithinAFewCellsOfAStopThatArrivesMidRun) {
  std::stop_source source;
  std::size_t calls = 0, stop_at = 0;
  const Solid ball = sphere(0.5F);
  const std::vector<PlacedPart> parts = {plain(Solid(
      [&](const vec3& p) {
        if (++calls == stop_at) {
          source.request_stop();
        }
        return ball(p);
      },
      ball.bounds()))};
  sample_surface(parts, 4000, Rng(1), source.get_token());
  const std::size_t whole = calls;
  // The worst that lies between two looks at the token, a block of 512 cells, is a few percent.
  for (const std::size_t percent : {1U, 5U, 20U, 50U, 80U}) {
    source = std::stop_source();
    calls = 0;
    stop_at = whole * percent / 100;
    sample_surface(parts, 4000, Rng(1), source.get_token());
    EXPECT_GE(calls, stop_at);
    EXPECT_LT(calls - stop_at, whole / 10) << percent << " %";
  }
}

TEST(Sampler, ShadesNoPointMoreAfterAStopThatArrivesMidRun) {
  std::stop_source source;
  std::size_t shaded = 0;
  bool is_shading = false;  // sampling looks for edges of the colour, and so reads it, too
  Part part{sphere(0.5F), {}};
  part.paint.pattern = [&](const vec3&, const vec3&, const vec3& colour) {
    if (is_shading && ++shaded == 1000) {
      source.request_stop();
    }
    return colour;
  };
  const std::vector<PlacedPart> parts = {place(part, {})};
  const auto points = sample_surface(parts, 4000, Rng(1));
  is_shading = true;
  shade(parts, points, source.get_token());
  EXPECT_EQ(shaded, 1000U);
}

}  // namespace
}  // namespace lode::sketch
