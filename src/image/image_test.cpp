#include "image/image.h"

#include <gtest/gtest.h>

#include "base/rng.h"

namespace lode::image {
namespace {

/// A picture of one row of grey values.
Image grey_row(const std::vector<std::uint8_t>& values) {
  Image image(static_cast<int>(values.size()), 1, 3);
  for (std::size_t i = 0; i < values.size() * 3; ++i) {
    image.pixels[i] = values[i / 3];
  }
  return image;
}

std::vector<int> greys(const Image& image) {
  std::vector<int> values;
  for (std::size_t i = 0; i < image.pixels.size(); i += image.channels) {
    values.push_back(image.pixels[i]);
  }
  return values;
}

TEST(Composite, MixesByAlphaAndRounds) {
  Image image(3, 1, 4);
  image.pixels = {200, 100, 0, 255, 200, 100, 0, 0, 200, 100, 0, 128};
  const Image out = composite_over(image, {255, 255, 255});
  EXPECT_EQ(out.channels, 3);
  EXPECT_EQ(out.pixels, (std::vector<std::uint8_t>{200, 100, 0, 255, 255, 255, 227, 177, 127}));
}

TEST(Composite, LeavesRgbAlone) {
  const Image image(2, 2, 3, 9);
  EXPECT_EQ(composite_over(image, {1, 2, 3}).pixels, image.pixels);
}

TEST(Resize, AveragesAreasWhenShrinking) {
  EXPECT_EQ(greys(resize(grey_row({0, 100, 200, 40}), 2, 1)), (std::vector<int>{50, 120}));
  // 3 -> 2: each output covers one and a half inputs.
  EXPECT_EQ(greys(resize(grey_row({0, 90, 240}), 2, 1)), (std::vector<int>{30, 190}));
}

TEST(Resize, InterpolatesBetweenPixelCentresWhenEnlarging) {
  EXPECT_EQ(greys(resize(grey_row({0, 100}), 4, 1)), (std::vector<int>{0, 25, 75, 100}));
  EXPECT_EQ(greys(resize(grey_row({7}), 3, 2)), std::vector<int>(6, 7));
}

TEST(Resize, KeepsPicturesOfTheSameSizeAndOfOneValue) {
  Rng rng(1);
  Image image(13, 7, 4);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    image.pixels[i] = i % 4 == 3 ? 255 : static_cast<std::uint8_t>(rng.next());
  }
  EXPECT_EQ(resize(image, 13, 7).pixels, image.pixels);
  const Image flat(20, 10, 3, 77);
  for (const auto& [width, height] : {std::pair(3, 17), std::pair(41, 1), std::pair(19, 9)}) {
    EXPECT_EQ(resize(flat, width, height).pixels, Image(width, height, 3, 77).pixels);
  }
}

TEST(Resize, DoesNotBleedTheColourOfTransparentPixels) {
  Image image(2, 1, 4);
  image.pixels = {200, 0, 0, 255, 0, 255, 0, 0};  // opaque red, transparent green
  const Image out = resize(image, 1, 1);
  EXPECT_EQ(out.pixels, (std::vector<std::uint8_t>{200, 0, 0, 128}));
}

TEST(Tile, LaysTilesOutRowByRowWithGapsBetween) {
  const Image sheet =
      tile({Image(2, 1, 3, 10), Image(2, 1, 3, 20), Image(2, 1, 3, 30)}, 2, 1, {1, 2, 3});
  EXPECT_EQ(sheet.width, 5);
  EXPECT_EQ(sheet.height, 3);
  EXPECT_EQ(greys(sheet), (std::vector<int>{10, 10, 1, 20, 20,  //
                                            1, 1, 1, 1, 1,      //
                                            30, 30, 1, 1, 1}));
  EXPECT_EQ(sheet.at(2, 0)[2], 3);
}

TEST(Tile, KeepsTheGapOpaqueBetweenRgbaTiles) {
  const Image sheet = tile({Image(1, 1, 4, 0), Image(1, 1, 4, 0)}, 2, 1, {9, 9, 9});
  EXPECT_EQ(sheet.at(1, 0)[3], 255);
  EXPECT_EQ(sheet.at(2, 0)[3], 0);
}

}  // namespace
}  // namespace lode::image
