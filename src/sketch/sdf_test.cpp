#include "sketch/sdf.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "base/rng.h"

namespace lode::sketch {
namespace {

using glm::vec2;
using glm::vec3;

struct Named {
  std::string name;
  Solid solid;
};

std::vector<Named> all_kinds() {
  const Solid bar = box(0.1F, 0.5F, 0.1F, 0.02F);
  return {
      {"sphere", sphere(0.5F)},
      {"ellipsoid", ellipsoid(0.5F, 0.3F, 0.4F)},
      {"flat ellipsoid", ellipsoid(0.5F, 0.05F, 0.3F)},
      {"box", box(0.5F, 0.3F, 0.2F, 0.05F)},
      {"cylinder", cylinder(0.3F, 0.5F, 0.02F)},
      {"cone", cone(0.5F, 0.1F, 0.8F, 0.02F)},
      {"capsule", capsule({0, 0, 0}, {0.3F, 0.5F, 0.1F}, 0.2F, 0.1F)},
      {"torus", torus(0.5F, 0.15F)},
      {"prism", prism(6, 0.4F, 0.3F)},
      {"revolve", revolve(smooth({{0, 0}, {0.3F, 0}, {0.4F, 0.4F}, {0.1F, 0.8F}, {0, 0.8F}}))},
      {"extrude", extrude(star(5, 0.5F, 0.25F), 0.1F, 0.01F)},
      {"tube",
       tube(bezier({0, 0, 0}, {0.5F, 0, 0}, {0.5F, 0.5F, 0}, {0, 0.5F, 0.3F}), 0.1F, 0.05F)},
      {"moved", sphere(0.3F).at(0.2F, -0.1F, 0.4F)},
      {"turned", bar.turned_x(30).turned_y(40).turned_z(50)},
      {"scaled", torus(0.5F, 0.1F).scaled(0.7F)},
      {"stretched", sphere(0.4F).stretched(1.5F, 0.6F, 1)},
      {"rounded", box(0.3F, 0.2F, 0.1F).rounded(0.1F)},
      {"shell", sphere(0.5F).shell(0.1F)},
      {"mirrored", sphere(0.2F).at(0.4F, 0, 0).mirrored_x()},
      {"around", bar.at(0.4F, 0, 0).around_y(5)},
      {"repeated", sphere(0.1F).repeated(4, {0.3F, 0.1F, 0})},
      {"twisted", bar.twisted(120)},
      {"displaced", sphere(0.4F).displaced([](const vec3& p) { return 0.03F * std::sin(10 * p.x); },
                                           0.03F, 0.3F)},
      {"unite", unite({sphere(0.3F), bar.at(0.4F, 0, 0)})},
      {"blend", blend({sphere(0.3F), sphere(0.25F).at(0.35F, 0, 0)}, 0.1F)},
      {"cut", cut(sphere(0.4F), box(0.2F, 1, 0.2F))},
      {"soft cut", cut(sphere(0.4F), sphere(0.3F).at(0.3F, 0, 0), 0.05F)},
      {"common", common(sphere(0.4F), box(0.3F, 0.3F, 1))},
  };
}

vec3 random_point(Rng& rng, float half) {
  const auto draw = [&] { return static_cast<float>(rng.uniform(-half, half)); };
  const float x = draw(), y = draw(), z = draw();
  return {x, y, z};
}

TEST(Sdf, FieldsAreLowerBoundsOfTheDistance) {
  Rng rng(1);
  for (const Named& kind : all_kinds()) {
    for (int i = 0; i < 20000; ++i) {
      const vec3 a = random_point(rng, 1.0F), b = a + random_point(rng, 0.4F);
      const float at_a = kind.solid(a), at_b = kind.solid(b);
      if ((at_a < 0) != (at_b < 0)) {  // there is surface on the way
        ASSERT_LT(std::abs(at_a), 1.05F * glm::distance(a, b)) << kind.name;
      }
    }
  }
}

TEST(Sdf, FieldsGrowAwayFromTheSurface) {
  Rng rng(4);
  for (const Named& kind : all_kinds()) {
    int tried = 0, grew = 0;
    for (int i = 0; i < 20000; ++i) {
      const vec3 p = random_point(rng, 0.8F);
      if (std::abs(kind.solid(p)) < 0.01F) {
        ++tried;
        const vec3 out = p + normal_at(kind.solid, p) * 0.02F;
        grew += kind.solid(out) > kind.solid(p) + 0.004F ? 1 : 0;
      }
    }
    EXPECT_GT(tried, 5) << kind.name;
    EXPECT_GT(grew, 0.9 * tried) << kind.name;  // all but a few in creases between parts
  }
}

TEST(Sdf, BoundsHoldTheWholeSolid) {
  Rng rng(2);
  for (const Named& kind : all_kinds()) {
    int inside = 0;
    for (int i = 0; i < 20000; ++i) {
      const vec3 p = random_point(rng, 1.4F);
      if (kind.solid(p) < 0) {
        ++inside;
        EXPECT_LT(kind.solid.bounds().distance(p), 1e-4F) << kind.name;
      }
    }
    EXPECT_GT(inside, 10) << kind.name;
  }
}

TEST(Sdf, PrimitivesGiveKnownDistances) {
  EXPECT_FLOAT_EQ(sphere(0.5F)({0, 2, 0}), 1.5F);
  EXPECT_FLOAT_EQ(sphere(0.5F)({0, 0.2F, 0}), -0.3F);
  EXPECT_NEAR(box(0.5F, 0.3F, 0.2F, 0)({0.8F, 0.7F, 0}), 0.5F, 1e-5F);
  EXPECT_NEAR(box(0.5F, 0.3F, 0.2F, 0)({0, 0, 0}), -0.2F, 1e-5F);
  EXPECT_NEAR(cylinder(0.3F, 0.5F, 0)({0.7F, 0, 0}), 0.4F, 1e-5F);
  EXPECT_NEAR(cylinder(0.3F, 0.5F, 0)({0, 0.8F, 0}), 0.3F, 1e-5F);
  EXPECT_NEAR(torus(0.5F, 0.1F)({0, 0, 0}), 0.4F, 1e-5F);
  EXPECT_NEAR(capsule({0, 0, 0}, {0, 1, 0}, 0.1F, 0.1F)({0.5F, 0.5F, 0}), 0.4F, 1e-5F);
  EXPECT_NEAR(ellipsoid(0.5F, 0.3F, 0.4F)({0.5F, 0, 0}), 0.0F, 1e-5F);
}

TEST(Sdf, RevolvedAxisIsNotASurface) {
  const Solid solid = revolve({{0, 0}, {0.5F, 0}, {0.5F, 1}, {0, 1}});
  EXPECT_NEAR(solid({0, 0.5F, 0}), -0.5F, 1e-5F);
  EXPECT_NEAR(solid({0.7F, 0.5F, 0}), 0.2F, 1e-5F);
}

TEST(Sdf, UnionIsTheMinimumInsideAndOutside) {
  const Solid a = sphere(0.3F), b = sphere(0.4F).at(0.3F, 0, 0), c = box(0.2F, 0.5F, 0.2F);
  const Solid all = unite({a, b, c});
  Rng rng(3);
  for (int i = 0; i < 2000; ++i) {
    const vec3 p = random_point(rng, 1);
    const float least = std::min({a(p), b(p), c(p)});
    ASSERT_NEAR(all(p), least, 1e-6F);
  }
}

TEST(Sdf, NormalsPointOutwards) {
  EXPECT_NEAR(normal_at(sphere(0.5F), {0.5F, 0, 0}).x, 1.0F, 1e-3F);
  EXPECT_NEAR(normal_at(sphere(0.5F).shell(0.1F), {0.45F, 0, 0}).x, -1.0F, 1e-3F);
}

TEST(Sdf, TurnsAreCounterClockwiseSeenFromTheTip) {
  const Solid dot = sphere(0.1F).at(1, 0, 0);
  EXPECT_LT(dot.turned_z(90)({0, 1, 0}), 0);
  EXPECT_LT(dot.turned_y(90)({0, 0, -1}), 0);
  EXPECT_LT(sphere(0.1F).at(0, 1, 0).turned_x(90)({0, 0, 1}), 0);
}

TEST(Curves, SmoothPassesThroughItsPoints) {
  const std::vector<vec2> points = {{0, 0}, {1, 0.5F}, {0.5F, 1}, {0, 1.2F}};
  const std::vector<vec2> curve = smooth(points, 4);
  ASSERT_EQ(curve.size(), 13U);
  for (std::size_t i = 0; i < points.size(); ++i) {
    EXPECT_NEAR(glm::distance(curve[4 * i], points[i]), 0, 1e-6F);
  }
}

}  // namespace
}  // namespace lode::sketch
