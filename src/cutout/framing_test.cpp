#include "cutout/framing.h"

#include <gtest/gtest.h>

namespace lode::cutout {
namespace {

/// A red box on transparent green.
image::Image red_box(int width, int height, const Box& box) {
  image::Image out(width, height, 4, 0);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const bool inside = x >= box.left && x < box.right && y >= box.top && y < box.bottom;
      out.at(x, y)[0] = inside ? 200 : 0;
      out.at(x, y)[1] = inside ? 0 : 250;
      out.at(x, y)[3] = inside ? 255 : 0;
    }
  }
  return out;
}

TEST(Framing, CentresTheSubjectAtTheRatio) {
  const Box box{10, 70, 50, 90};
  const image::Image picture = red_box(100, 100, box);
  EXPECT_EQ(subject_box(picture), box);
  const auto framed = frame_subject(picture, {.side = 100, .ratio = 0.8});
  ASSERT_TRUE(framed) << framed.error().message();
  EXPECT_EQ(framed->width, 100);
  EXPECT_EQ(subject_box(*framed), (Box{10, 30, 90, 70}));
}

TEST(Framing, BleedsNothingOfTransparentPixels) {
  for (const int side : {16, 37, 300}) {
    const auto framed = frame_subject(red_box(100, 90, {11, 13, 74, 56}), {.side = side});
    ASSERT_TRUE(framed);
    for (std::size_t i = 0; i < framed->pixels.size(); i += 4) {
      if (framed->pixels[i + 3] > 0) {
        EXPECT_NEAR(framed->pixels[i], 200, 1);
        EXPECT_EQ(framed->pixels[i + 1], 0);
      }
    }
  }
}

TEST(Framing, FillsTheGroundWithAColourWhenAsked) {
  const auto framed = frame_subject(red_box(20, 20, {5, 5, 15, 15}),
                                    {.side = 20, .background = image::Rgb{1, 2, 3}});
  ASSERT_TRUE(framed);
  EXPECT_EQ(framed->channels, 3);
  EXPECT_EQ(framed->at(0, 0)[2], 3);
  EXPECT_EQ(framed->at(10, 10)[0], 200);
}

TEST(Framing, RefusesNoSubjectAndSenselessOptions) {
  const image::Image picture = red_box(20, 20, {5, 5, 15, 15});
  EXPECT_FALSE(frame_subject(image::Image(4, 4, 4, 0)));
  EXPECT_FALSE(frame_subject(picture, {.side = 15}));
  EXPECT_FALSE(frame_subject(picture, {.side = 1 << 20}));
  EXPECT_FALSE(frame_subject(picture, {.ratio = 0}));
  EXPECT_FALSE(frame_subject(picture, {.ratio = 1.1}));
  EXPECT_TRUE(frame_subject(red_box(1, 1, {0, 0, 1, 1}), {.side = 16, .ratio = 1}));
}

}  // namespace
}  // namespace lode::cutout
