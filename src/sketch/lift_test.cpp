#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "image/codec.h"
#include "sketch/inflate.h"
#include "sketch/silhouette.h"
#include "sketch/sketch.h"
#include "splat/checks.h"
#include "tests/support/shared_data.h"

namespace lode::sketch {
namespace {

using glm::vec3;

const Options kFew{kFewestGaussians};

/// A red disc of this radius in the middle: on transparency (4 channels) or on pale grey (3).
image::Image disc(int size, double radius, int channels) {
  image::Image picture(size, size, channels, channels == 4 ? 0 : 225);
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      if (std::hypot(x - 0.5 * (size - 1), y - 0.5 * (size - 1)) < radius) {
        std::uint8_t* pixel = picture.at(x, y);
        pixel[0] = 200;
        pixel[1] = 30;
        pixel[2] = 30;
        if (channels == 4) {
          pixel[3] = 255;
        }
      }
    }
  }
  return picture;
}

TEST(Inflation, TurnsADiscIntoABall) {
  constexpr double kRadius = 40;
  const SplineGrid u = inflation(disc(100, kRadius, 4));
  for (const float out : {0.0F, 10.0F, 25.0F, 35.0F}) {
    const double expected = kRadius * kRadius - out * out;
    EXPECT_NEAR(u.at(49.5F + out, 49.5F).value, expected, 0.06 * kRadius * kRadius);
  }
  EXPECT_LT(u.at(2, 50).value, 0);
}

TEST(Inflation, SolidIsADistanceToFirstOrder) {
  const Solid ball = inflated(inflation(disc(100, 40, 4)), 1.0F);
  EXPECT_NEAR(ball({0, 0, 50}), 10, 2.5);
  EXPECT_NEAR(ball({0, 0, 0}), -40, 2.5);
  EXPECT_NEAR(ball({40, 0, 0}), 0, 1.0);
  EXPECT_NEAR(ball({0, -30, 0}), -10, 2.0);
}

TEST(Inflation, SweepsNoMoreOnceAskedToStop) {
  std::stop_source source;
  source.request_stop();
  const SplineGrid u = inflation(disc(100, 40, 4), source.get_token());
  EXPECT_EQ(u.at(49.5F, 49.5F).value, 0) << "as it was before the first sweep";
}

TEST(Lift, IsCancelledAtEachOfItsStagesByAStop) {
  std::stop_source source;
  source.request_stop();
  const image::Image picture = disc(120, 45, 3);
  Options options = kFew;
  options.stop = source.get_token();
  EXPECT_EQ(lift(picture, 1, options).error().code, Errc::cancelled);
  EXPECT_EQ(find_subject(picture, source.get_token()).error().code, Errc::cancelled);
}

TEST(Lift, InflatesADiscSymmetrically) {
  const auto cloud = lift(disc(120, 45, 4), 1, kFew);
  ASSERT_TRUE(cloud) << cloud.error().message();
  EXPECT_NEAR(static_cast<double>(cloud->size()), kFewestGaussians, 0.1 * kFewestGaussians);
  const splat::Bounds bounds = splat::bounds(cloud->positions);
  EXPECT_NEAR(bounds.max.x, 0.75F, 0.03F);
  for (int axis = 0; axis < 3; ++axis) {
    EXPECT_NEAR(bounds.max[axis], -bounds.min[axis], 0.03F);
  }
  EXPECT_NEAR(bounds.max.y, bounds.max.x, 0.02F);
  EXPECT_GT(bounds.max.z, 0.5F * bounds.max.x);
  vec3 mean(0);
  for (const vec3& p : cloud->positions) {
    mean += p / static_cast<float>(cloud->size());
  }
  EXPECT_LT(glm::length(mean), 0.02F);
  EXPECT_TRUE(splat::check(splat::activate(*cloud)).valid());
}

TEST(Lift, PutsThePictureOnTheFrontAndAPalerOneBehind) {
  const splat::Scene scene = splat::activate(*lift(disc(120, 45, 4), 1, kFew));
  for (std::size_t i = 0; i < scene.size(); ++i) {
    const vec3 colour = scene.colours[i];
    if (scene.positions[i].z > 0.2F) {
      EXPECT_NEAR(colour.r, 200 / 255.0F, 0.02F);
      EXPECT_NEAR(colour.g, 30 / 255.0F, 0.02F);
    } else if (scene.positions[i].z < -0.2F) {
      EXPECT_LT(colour.r, 190 / 255.0F);
      EXPECT_GT(colour.r, 0.5F);
    }
  }
}

TEST(Lift, KeepsUpUpAndRightRight) {
  // An L: tall on the left, its foot to the right.
  image::Image picture(60, 60, 4, 0);
  for (int y = 5; y < 55; ++y) {
    for (int x = 10; x < (y >= 40 ? 50 : 25); ++x) {
      picture.at(x, y)[3] = 255;
    }
  }
  const auto cloud = lift(picture, 1, kFew);
  ASSERT_TRUE(cloud);
  for (const vec3& p : cloud->positions) {
    EXPECT_FALSE(p.x > 0.1F && p.y > -0.1F);
  }
}

TEST(Lift, FindsTheSubjectOnAPlainBackground) {
  const auto mask = find_subject(disc(120, 45, 3));
  ASSERT_TRUE(mask);
  EXPECT_NEAR(static_cast<double>(mask->count()), 3.14159 * 45 * 45, 100);
}

TEST(Lift, FindsTheSubjectOnABusyBackground) {
  // Patches of grey, green and brown; the red disc in the middle stands out.
  constexpr std::uint8_t kPatches[3][3] = {{150, 150, 150}, {60, 120, 40}, {110, 80, 50}};
  image::Image picture = disc(160, 45, 3);
  for (int y = 0; y < 160; ++y) {
    for (int x = 0; x < 160; ++x) {
      if (picture.at(x, y)[0] == 225) {
        std::copy_n(kPatches[(x / 7 + y / 9) % 3], 3, picture.at(x, y));
      }
    }
  }
  const auto mask = find_subject(picture);
  ASSERT_TRUE(mask) << mask.error().message();
  EXPECT_NEAR(static_cast<double>(mask->count()), 3.14159 * 45 * 45, 700);
  EXPECT_TRUE(mask->at(80, 45));
  EXPECT_FALSE(mask->at(20, 20));
}

TEST(Lift, KeepsTheLargestPieceAndClosesPinholes) {
  image::Image picture = disc(120, 40, 4);
  picture.at(3, 3)[3] = 255;
  picture.at(60, 60)[3] = 0;
  const auto mask = find_subject(picture);
  ASSERT_TRUE(mask);
  EXPECT_FALSE(mask->at(3, 3));
  EXPECT_TRUE(mask->at(60, 60));
}

TEST(Lift, KeepsRealHoles) {
  image::Image picture = disc(120, 50, 4);
  for (int y = 50; y < 70; ++y) {
    for (int x = 50; x < 70; ++x) {
      picture.at(x, y)[3] = 0;
    }
  }
  EXPECT_FALSE(find_subject(picture)->at(60, 60));
}

TEST(Lift, RefusesPicturesWithoutASubject) {
  for (const image::Image& picture : {image::Image(64, 64, 4, 0), image::Image(64, 64, 3, 200),
                                      image::Image(64, 64, 4, 255), image::Image(4, 4, 3, 9)}) {
    const auto cloud = lift(picture, 1, kFew);
    ASSERT_FALSE(cloud);
    EXPECT_EQ(cloud.error().code, Errc::invalid_input);
  }
}

TEST(Lift, RepeatsForTheSameSeed) {
  const image::Image picture = disc(80, 30, 4);
  EXPECT_EQ(lift(picture, 4, kFew)->positions, lift(picture, 4, kFew)->positions);
}

TEST(Lift, HandlesExtremeShapes) {
  image::Image strip(400, 9, 4, 0);
  for (int x = 2; x < 398; ++x) {
    strip.at(x, 4)[3] = 255;
  }
  const auto cloud = lift(strip, 1, kFew);
  ASSERT_TRUE(cloud) << cloud.error().message();
  EXPECT_GT(splat::bounds(cloud->positions).extent(), 1.0F);
}

TEST(Lift, LiftsRealCutouts) {
  for (const char* name :
       {"images/astronaut_rgba.png", "images/car_rgba.png", "images/catstatue_rgba.png"}) {
    const auto path = test::shared_data(name);
    if (!path) {
      GTEST_SKIP() << "no shared data: " << name;
    }
    const auto picture = image::read_image(*path);
    ASSERT_TRUE(picture);
    const auto cloud = lift(*picture, 1, kFew);
    ASSERT_TRUE(cloud) << name;
    EXPECT_TRUE(splat::check(splat::activate(*cloud)).valid()) << name;
    EXPECT_GT(splat::bounds(cloud->positions).max.z, 0.1F) << name;
  }
}

}  // namespace
}  // namespace lode::sketch
