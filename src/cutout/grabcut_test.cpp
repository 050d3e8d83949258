#include <gtest/gtest.h>

#include "cutout/cutout.h"
#include "cutout/test_pictures.h"

namespace lode::cutout {
namespace {

/// A disc and a bar in two colours, in the middle.
image::GreyImage sprite(int width, int height) {
  image::GreyImage alpha(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double dx = (x - 0.5 * width) / height, dy = (y - 0.45 * height) / height;
      const bool in_disc = std::hypot(dx, dy) < 0.2;
      const bool in_bar = std::abs(dx) < 0.06 && dy > 0 && dy < 0.4;
      alpha.at(x, y) = in_disc || in_bar ? 255 : 0;
    }
  }
  return alpha;
}

image::Image painted(const image::GreyImage& alpha, image::Image ground) {
  for (int y = 0; y < alpha.height; ++y) {
    for (int x = 0; x < alpha.width; ++x) {
      if (alpha.at(x, y) != 0) {
        const bool is_upper = y < alpha.height / 2;
        ground.at(x, y)[0] = is_upper ? 30 : 220;
        ground.at(x, y)[1] = is_upper ? 90 : 60;
        ground.at(x, y)[2] = is_upper ? 200 : 150;
      }
    }
  }
  return ground;
}

TEST(GrabCut, FindsASpriteOnTexturedAndOnPlainGround) {
  for (const auto& [width, height] : {std::pair(160, 160), std::pair(500, 380)}) {
    const image::GreyImage truth = sprite(width, height);
    for (const image::Image& ground :
         {test::textured_ground(width, height), image::Image(width, height, 3, 255)}) {
      const auto matte = grabcut_matter()->matte(painted(truth, ground), {});
      ASSERT_TRUE(matte) << matte.error().message();
      EXPECT_GE(agreement(truth, matte->alpha), 0.93) << width << "x" << height;
    }
  }
}

TEST(GrabCut, GivesTheSameMatteForTheSamePicture) {
  const image::Image picture = painted(sprite(120, 100), test::textured_ground(120, 100));
  const auto a = grabcut_matter()->matte(picture, {});
  const auto b = grabcut_matter()->matte(picture, {});
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a->alpha.pixels, b->alpha.pixels);
}

TEST(GrabCut, StartsFromTheMiddleWhenTheSubjectSharesTheBordersColours) {
  // A black disc with four red spots on grey, between black strips: only the spots differ from the
  // border's colours.
  constexpr int kSide = 160;
  image::Image picture(kSide, kSide, 3);
  image::GreyImage truth(kSide, kSide);
  Rng rng(5);
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      const double dx = x - 80, dy = y - 80;
      const bool in_disc = std::hypot(dx, dy) < 50;
      const bool in_spot = std::hypot(std::abs(dx) - 22, std::abs(dy) - 22) < 9;
      const double base = in_disc || y < 6 || y >= kSide - 6 ? 20 : 150;
      truth.at(x, y) = in_disc ? 255 : 0;
      for (int c = 0; c < 3; ++c) {
        const double value = in_spot ? (c == 0 ? 220 : 30) : base;
        picture.at(x, y)[c] = static_cast<std::uint8_t>(value + 12 * rng.uniform());
      }
    }
  }
  const auto matte = grabcut_matter()->matte(picture, {});
  ASSERT_TRUE(matte) << matte.error().message();
  EXPECT_NE(matte->note.find("the middle"), std::string::npos) << matte->note;
  EXPECT_GT(agreement(truth, clean_matte(matte->alpha).alpha), 0.9);
}

TEST(GrabCut, RefusesPicturesWithNothingToFind) {
  EXPECT_EQ(grabcut_matter()->matte(image::Image(64, 64, 3, 128), {}).error().code,
            Errc::invalid_input);
  EXPECT_EQ(grabcut_matter()->matte(test::textured_ground(100, 80), {}).error().code,
            Errc::invalid_input);
  EXPECT_EQ(grabcut_matter()->matte(image::Image(1, 1, 3, 128), {}).error().code,
            Errc::invalid_input);
}

TEST(GrabCut, EndsWhenAskedToStop) {
  std::stop_source stop;
  stop.request_stop();
  const image::Image picture = painted(sprite(120, 100), test::textured_ground(120, 100));
  EXPECT_EQ(grabcut_matter()->matte(picture, stop.get_token()).error().code, Errc::cancelled);
}

}  // namespace
}  // namespace lode::cutout
