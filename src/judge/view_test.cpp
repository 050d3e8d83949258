#include "judge/view.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace lode::judge {
namespace {

using Colour = std::array<float, 3>;
constexpr Colour kRed{0.8F, 0.1F, 0.1F};
constexpr Colour kBlue{0.1F, 0.2F, 0.8F};

// A picture whose pixels are subject where `inside` says so.
Cutout draw(int side, const std::function<bool(double, double)>& inside, Colour colour) {
  Cutout cutout{side, side, {}, {}};
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      const float alpha = inside((x + 0.5) / side, (y + 0.5) / side) ? 1.0F : 0.0F;
      for (const float value : colour) cutout.rgb.push_back(alpha * value);
      cutout.alpha.push_back(alpha);
    }
  }
  return cutout;
}

Cutout disc(double x, double y, double radius, Colour colour, int side = 96) {
  return draw(
      side, [=](double px, double py) { return std::hypot(px - x, py - y) < radius; }, colour);
}

Cutout bar(double width, double height, Colour colour, int side = 96) {
  return draw(
      side,
      [=](double x, double y) {
        return std::abs(x - 0.5) < width / 2 && std::abs(y - 0.5) < height / 2;
      },
      colour);
}

TEST(View, EqualPicturesAreEntirelyAlike) {
  const View view = describe(disc(0.5, 0.5, 0.3, kRed));
  const Likeness likeness = compare_views(view, view);
  EXPECT_NEAR(likeness.silhouette, 1, 1e-6);
  EXPECT_NEAR(likeness.structure, 1, 1e-6);
  EXPECT_NEAR(likeness.colour, 1, 1e-6);
}

TEST(View, PlaceSizeAndResolutionDoNotMatter) {
  const View large = describe(disc(0.5, 0.5, 0.4, kRed));
  const View small = describe(disc(0.35, 0.6, 0.2, kRed, 160));
  const Likeness likeness = compare_views(large, small);
  EXPECT_GT(likeness.silhouette, 0.95);
  EXPECT_GT(likeness.structure, 0.95);
  EXPECT_GT(likeness.colour, 0.99);
}

TEST(View, AspectMatters) {
  const View upright = describe(bar(0.2, 0.6, kRed));
  const View lying = describe(bar(0.6, 0.2, kRed));
  const Likeness likeness = compare_views(upright, lying);
  EXPECT_LT(likeness.silhouette, 0.5);
  EXPECT_LT(likeness.structure, 0.7);
  EXPECT_GT(likeness.colour, 0.9);
}

TEST(View, AnotherColourIsUnlikeAndAShadeIsNot) {
  const View red = describe(disc(0.5, 0.5, 0.3, kRed));
  const View dark_red = describe(disc(0.5, 0.5, 0.3, {0.65F, 0.08F, 0.08F}));
  const View blue = describe(disc(0.5, 0.5, 0.3, kBlue));
  EXPECT_GT(compare_views(red, dark_red).colour, 0.7);
  EXPECT_LT(compare_views(red, blue).colour, 0.05);
}

TEST(View, NothingToSeeIsUnlikeEverything) {
  const View nothing = describe(draw(
      64, [](double, double) { return false; }, kRed));
  EXPECT_EQ(nothing.area, 0);
  const Likeness likeness = compare_views(nothing, describe(disc(0.5, 0.5, 0.3, kRed)));
  EXPECT_EQ(likeness.silhouette, 0);
  EXPECT_EQ(compare_views(nothing, nothing).silhouette, 0);
}

TEST(View, ComparingIsSymmetric) {
  const View a = describe(disc(0.4, 0.5, 0.3, kRed));
  const View b = describe(bar(0.5, 0.3, kBlue));
  const Likeness ab = compare_views(a, b);
  const Likeness ba = compare_views(b, a);
  EXPECT_DOUBLE_EQ(ab.silhouette, ba.silhouette);
  EXPECT_DOUBLE_EQ(ab.structure, ba.structure);
  EXPECT_NEAR(ab.colour, ba.colour, 1e-12);
}

// ---- pictures ----------------------------------------------------------------------------------

image::Image picture_of_square(int channels, image::Rgb background, std::uint8_t background_alpha) {
  image::Image picture(80, 60, channels);
  for (int y = 0; y < 60; ++y) {
    for (int x = 0; x < 80; ++x) {
      const bool inside = x >= 30 && x < 50 && y >= 20 && y < 40;
      std::uint8_t* pixel = picture.at(x, y);
      for (int c = 0; c < 3; ++c) pixel[c] = inside ? (c == 0 ? 200 : 30) : background[c];
      if (channels == 4)
        pixel[3] = inside ? 255 : background_alpha;
    }
  }
  return picture;
}

TEST(Cutout, TakesTransparencyAsTheMask) {
  const View view = describe(cutout_of(picture_of_square(4, {200, 30, 30}, 0), 80));
  EXPECT_NEAR(view.area, 400.0 / 4800, 1e-3);
}

TEST(Cutout, FindsTheSubjectOnAPlainBackground) {
  for (const int channels : {3, 4}) {
    const View view = describe(cutout_of(picture_of_square(channels, {240, 240, 245}, 255), 80));
    EXPECT_NEAR(view.area, 400.0 / 4800, 1e-3) << channels;
  }
}

TEST(Cutout, SameSubjectIsAlikeWithAndWithoutTransparency) {
  const View cut = describe(cutout_of(picture_of_square(4, {0, 0, 0}, 0), 64));
  const View plain = describe(cutout_of(picture_of_square(3, {255, 255, 255}, 255), 64));
  const Likeness likeness = compare_views(cut, plain);
  EXPECT_GT(likeness.silhouette, 0.9);
  EXPECT_GT(likeness.colour, 0.9);
}

TEST(Cutout, PlainPictureHasNoSubject) {
  EXPECT_EQ(describe(cutout_of(image::Image(40, 40, 3, 128), 40)).area, 0);
}

}  // namespace
}  // namespace lode::judge
