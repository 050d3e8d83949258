#include "dream/silhouette.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"

namespace lode::dream {
namespace {

struct Look {
  int ground = 255;
  double noise = 0;  // standard deviation, grey levels
  image::Rgb colour = {180, 60, 40};
  double radius = 20;
};

/// A disc in the middle of 64x64 pixels, its edge a pixel soft.
image::Image disc(const Look& look) {
  image::Image picture(64, 64, 3);
  Rng rng(2);
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 64; ++x) {
      const double r = std::hypot(x - 31.5, y - 31.5);
      const double a = std::clamp(look.radius - r + 0.5, 0.0, 1.0);
      for (std::size_t c = 0; c < 3; ++c) {
        const double value = a * look.colour[c] + (1 - a) * look.ground + look.noise * rng.normal();
        picture.at(x, y)[c] = static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
      }
    }
  }
  return picture;
}

TEST(Silhouette, IsTheDiscOverWhiteThatIsNotQuiteWhiteAndNoisy) {
  for (const Look& look : {Look{}, Look{.ground = 243}, Look{.ground = 250, .noise = 3}}) {
    const auto silhouette = take_off_white(disc(look));
    ASSERT_TRUE(silhouette) << silhouette.error().message();
    int wrong = 0;
    for (int y = 0; y < 64; ++y) {
      for (int x = 0; x < 64; ++x) {
        const bool is_inside = std::hypot(x - 31.5, y - 31.5) < look.radius;
        wrong += (silhouette->picture.at(x, y)[3] >= 128) != is_inside ? 1 : 0;
      }
    }
    EXPECT_LE(wrong, 12) << look.ground << " " << look.noise;
    EXPECT_NEAR(silhouette->ground[1], look.ground, 1);
    EXPECT_NEAR(silhouette->coverage, 0.307, 0.02);
  }
}

TEST(Silhouette, HasNoWhiteLeftInTheColoursOfItsEdge) {
  const auto silhouette = take_off_white(disc({}));
  ASSERT_TRUE(silhouette);
  int soft = 0;
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 64; ++x) {
      const std::uint8_t* pixel = silhouette->picture.at(x, y);
      if (pixel[3] > 64 && pixel[3] < 255) {
        ++soft;
        EXPECT_NEAR(pixel[0], 180, 16);
        EXPECT_NEAR(pixel[2], 40, 16);
      }
    }
  }
  EXPECT_GT(soft, 20);
}

TEST(Silhouette, KeepsWhiteThatTheSubjectEncloses) {
  image::Image picture = disc({});
  for (int y = 30; y < 32; ++y) {  // a highlight
    picture.at(30, y)[0] = picture.at(30, y)[1] = picture.at(30, y)[2] = 255;
  }
  const auto silhouette = take_off_white(picture);
  ASSERT_TRUE(silhouette);
  EXPECT_EQ(silhouette->picture.at(30, 30)[3], 255);
}

TEST(Silhouette, SeesThroughARing) {
  image::Image picture = disc({});
  const image::Image inner = disc({.colour = {255, 255, 255}, .radius = 10});
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 64; ++x) {
      if (std::hypot(x - 31.5, y - 31.5) < 10) {
        std::copy_n(inner.at(x, y), 3, picture.at(x, y));
      }
    }
  }
  const auto silhouette = take_off_white(picture);
  ASSERT_TRUE(silhouette) << silhouette.error().message();
  EXPECT_LT(silhouette->picture.at(32, 32)[3], 30);
  EXPECT_GT(silhouette->picture.at(32, 16)[3], 200);
}

TEST(Silhouette, KeepsTheAlphaOfAPictureThatHasOne) {
  image::Image picture(64, 64, 4);
  for (int y = 20; y < 40; ++y) {
    for (int x = 20; x < 40; ++x) {
      picture.at(x, y)[3] = 200;
    }
  }
  const auto silhouette = take_off_white(picture);
  ASSERT_TRUE(silhouette);
  EXPECT_EQ(silhouette->picture.pixels, picture.pixels);
}

TEST(Silhouette, RefusesWhatIsHopeless) {
  const image::Image white(64, 64, 3, 255), dark(64, 64, 3, 90);
  image::Image noise(64, 64, 3);
  Rng rng(3);
  for (std::uint8_t& value : noise.pixels) {
    value = static_cast<std::uint8_t>(200 + rng.below(56));
  }
  const image::Image huge = disc({.radius = 44});
  image::Image crumbs(64, 64, 3, 255);
  for (int i = 0; i < 36; ++i) {
    for (int c = 0; c < 12; ++c) {
      crumbs.at(4 + 10 * (i % 6) + c % 3, 4 + 10 * (i / 6) + c / 3)[i % 3] = 0;
    }
  }
  for (const image::Image& picture : {white, dark, noise, huge, crumbs}) {
    const auto silhouette = take_off_white(picture);
    ASSERT_FALSE(silhouette);
    EXPECT_EQ(silhouette.error().code, Errc::invalid_input);
  }
}

}  // namespace
}  // namespace lode::dream
