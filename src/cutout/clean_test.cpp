#include "cutout/clean.h"

#include <gtest/gtest.h>

#include "cutout/test_pictures.h"

namespace lode::cutout {
namespace {

TEST(CleanMatte, RemovesSpecksAndFillsSmallHoles) {
  image::GreyImage alpha(80, 80);
  test::fill_box(alpha, 10, 10, 50, 50);
  const image::GreyImage whole = alpha;
  test::fill_box(alpha, 30, 30, 2, 2, 0);  // a glint
  test::fill_box(alpha, 70, 70, 3, 3);     // a speck
  test::fill_box(alpha, 5, 75, 2, 2, 40);  // haze that belongs to nothing
  const Cleaned cleaned = clean_matte(alpha);
  EXPECT_EQ(cleaned.alpha.pixels, whole.pixels);
  EXPECT_EQ(cleaned.filled_holes, 1);
  EXPECT_EQ(cleaned.removed_parts, 1);
  EXPECT_EQ(cleaned.kept_parts, 1);
}

TEST(CleanMatte, LeavesHandlesAndSoftEdgesAlone) {
  image::GreyImage alpha = test::disc(80, 30, 6);
  test::fill_box(alpha, 35, 35, 10, 10, 0);
  EXPECT_EQ(clean_matte(alpha).alpha.pixels, alpha.pixels);
}

TEST(CleanMatte, KeepsTheLargestPartOrAllSizeableOnes) {
  image::GreyImage alpha(90, 40);
  test::fill_box(alpha, 5, 5, 20, 20);
  test::fill_box(alpha, 60, 5, 20, 18);
  test::fill_box(alpha, 40, 30, 3, 3);
  const Cleaned largest = clean_matte(alpha);
  EXPECT_EQ(largest.alpha.at(10, 10), 255);
  EXPECT_EQ(largest.alpha.at(70, 10), 0);
  const Cleaned parts = clean_matte(alpha, {.keep = Keep::parts});
  EXPECT_EQ(parts.alpha.at(10, 10), 255);
  EXPECT_EQ(parts.alpha.at(70, 10), 255);
  EXPECT_EQ(parts.alpha.at(41, 31), 0);
  EXPECT_EQ(parts.kept_parts, 2);
}

TEST(CleanMatte, TakesTheMoreCentralOfTwoPartsOfOneSize) {
  image::GreyImage alpha(90, 40);
  test::fill_box(alpha, 2, 10, 16, 16);
  test::fill_box(alpha, 50, 10, 16, 16);
  const Cleaned cleaned = clean_matte(alpha);
  EXPECT_EQ(cleaned.alpha.at(5, 15), 0);
  EXPECT_EQ(cleaned.alpha.at(55, 15), 255);
}

TEST(CleanMatte, ChangesNothingTheSecondTime) {
  Rng rng(11);
  for (int round = 0; round < 60; ++round) {
    image::GreyImage alpha(48, 40);
    for (int box = 0; box < 14; ++box) {
      const int width = 1 + static_cast<int>(rng.uniform() * 16);
      const int height = 1 + static_cast<int>(rng.uniform() * 16);
      const int left = static_cast<int>(rng.uniform() * (48 - width));
      const int top = static_cast<int>(rng.uniform() * (40 - height));
      const auto value = static_cast<std::uint8_t>(rng.uniform() < 0.4 ? 0 : rng.uniform() * 256);
      test::fill_box(alpha, left, top, width, height, value);
    }
    for (const Keep keep : {Keep::largest, Keep::parts}) {
      const CleanOptions options{.keep = keep, .largest_hole = 0.03};
      const Cleaned once = clean_matte(alpha, options);
      const Cleaned twice = clean_matte(once.alpha, options);
      EXPECT_EQ(once.alpha.pixels, twice.alpha.pixels) << round;
      EXPECT_EQ(twice.filled_holes + twice.removed_parts, 0) << round;
    }
  }
}

TEST(CleanMatte, TakesAnEmptyMatte) {
  const image::GreyImage empty(5, 4);
  EXPECT_EQ(clean_matte(empty).alpha.pixels, empty.pixels);
  EXPECT_EQ(clean_matte(empty).kept_parts, 0);
}

}  // namespace
}  // namespace lode::cutout
