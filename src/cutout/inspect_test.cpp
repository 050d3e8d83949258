#include "cutout/inspect.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "cutout/test_pictures.h"

namespace lode::cutout {
namespace {

bool has(const Inspection& inspection, Oddity oddity) {
  return std::ranges::any_of(inspection.findings,
                             [&](const Finding& finding) { return finding.oddity == oddity; });
}

TEST(InspectMatte, FindsNothingOddAboutADisc) {
  const Inspection inspection = inspect_matte(test::disc(64, 20, 3));
  EXPECT_TRUE(inspection.findings.empty());
  EXPECT_EQ(inspection.measures.parts, 1);
  EXPECT_NEAR(inspection.measures.coverage, 3.1416 * 400 / 4096, 0.01);
  EXPECT_GT(inspection.measures.soft_share, 0.05);
}

TEST(InspectMatte, TellsOpaqueAndEmptyMattesAndThatTheyAreOfNoUse) {
  const Inspection opaque = inspect_matte(image::GreyImage(40, 30, 255));
  EXPECT_TRUE(has(opaque, Oddity::opaque));
  EXPECT_TRUE(has(opaque, Oddity::at_edges));
  EXPECT_FALSE(opaque.is_usable());
  image::GreyImage speck(100, 100);
  speck.at(50, 50) = 255;
  const Inspection empty = inspect_matte(speck);
  ASSERT_EQ(empty.findings.size(), 1U);
  EXPECT_EQ(empty.findings[0].oddity, Oddity::empty);
  EXPECT_DOUBLE_EQ(empty.findings[0].value, 1e-4);
  EXPECT_FALSE(empty.is_usable());
}

TEST(InspectMatte, TellsHolesPiecesAndEdges) {
  image::GreyImage frame(64, 64);
  test::fill_box(frame, 10, 10, 44, 44);
  test::fill_box(frame, 14, 14, 36, 36, 0);
  const Inspection holed = inspect_matte(frame);
  EXPECT_TRUE(has(holed, Oddity::holed));
  EXPECT_EQ(holed.measures.holes, 1);
  EXPECT_TRUE(holed.is_usable());

  image::GreyImage pieces(64, 64);
  for (int i = 0; i < 3; ++i) {
    test::fill_box(pieces, 4 + 20 * i, 10, 15, 15);
  }
  const Inspection fragmented = inspect_matte(pieces);
  ASSERT_EQ(fragmented.findings.size(), 1U);
  EXPECT_EQ(fragmented.findings[0].oddity, Oddity::fragmented);
  EXPECT_NEAR(fragmented.findings[0].value, 1.0 / 3, 1e-9);

  image::GreyImage cross(64, 64);
  test::fill_box(cross, 28, 0, 8, 64);
  EXPECT_FALSE(has(inspect_matte(cross), Oddity::at_edges)) << "two edges are left free";
  test::fill_box(cross, 0, 28, 64, 8);
  EXPECT_TRUE(has(inspect_matte(cross), Oddity::at_edges));
}

TEST(Agreement, IsIntersectionOverUnion) {
  image::GreyImage a(10, 10), b(10, 10);
  EXPECT_EQ(agreement(a, b), 1);
  test::fill_box(a, 0, 0, 4, 4);
  test::fill_box(b, 2, 0, 4, 4);
  EXPECT_DOUBLE_EQ(agreement(a, b), 8.0 / 24);
}

}  // namespace
}  // namespace lode::cutout
