#include "dream/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace lode::dream {
namespace {

using testing::HasSubstr;

/// A square cut-out: a solid box on transparent ground.
Subject boxed(int size, int left, int right) {
  Subject subject;
  subject.picture = image::Image(size, size, 4, 0);
  for (int y = left; y < right; ++y) {
    for (int x = left; x < right; ++x) {
      std::fill_n(subject.picture.at(x, y), 4, std::uint8_t{255});
    }
  }
  return subject;
}

std::string refusal(const Subject& subject) {
  const auto checked = check_subject(subject);
  return checked ? std::string() : checked.error().message();
}

TEST(Schedule, StartsInABallOfGreyFaintGaussians) {
  const splat::GaussianCloud blob = start_blob(5000, 0, Rng(3));
  ASSERT_EQ(blob.size(), 5000U);
  double radius = 0;
  for (std::size_t i = 0; i < blob.size(); ++i) {
    ASSERT_LE(glm::length(blob.positions[i]), 0.5F);
    radius += static_cast<double>(glm::length(blob.positions[i])) / 5000;
    ASSERT_FLOAT_EQ(blob.opacity_logits[i], splat::logit(0.1F));
    ASSERT_GE(blob.f_dc[i].x, 0);
    ASSERT_LT(blob.f_dc[i].x, 1.0F / 255);
    ASSERT_EQ(blob.log_scales[i].x, blob.log_scales[i].z);
  }
  EXPECT_NEAR(radius, 0.375, 0.01);  // the mean of a ball is 3/4 of its radius
  EXPECT_NE(start_blob(10, 0, Rng(4)).positions, start_blob(10, 0, Rng(5)).positions);
}

TEST(Schedule, ViewsStayWithinTheRangeAndCoverIt) {
  Preset preset = *find_preset("image");
  const ElevationRange range = elevation_range(preset, 0);
  Rng rng(1);
  int lowest = 100, highest = -100, west = 500, east = -500, white = 0;
  for (int i = 0; i < 20'000; ++i) {
    const RandomView view = draw_view(preset, range, rng);
    lowest = std::min(lowest, view.elevation_deg);
    highest = std::max(highest, view.elevation_deg);
    west = std::min(west, view.azimuth_deg);
    east = std::max(east, view.azimuth_deg);
    white += view.is_white ? 1 : 0;
  }
  EXPECT_EQ(lowest, -30);
  EXPECT_EQ(highest, 29);
  EXPECT_EQ(west, -180);
  EXPECT_EQ(east, 179);
  EXPECT_NEAR(white, 10'000, 300);
  preset.invert_bg_prob = 0;
  EXPECT_TRUE(draw_view(preset, range, rng).is_white);
  preset.invert_bg_prob = 1;
  EXPECT_FALSE(draw_view(preset, range, rng).is_white);
}

TEST(Schedule, NoViewIsBeyond80DegreesWhateverTheKnownOneIs) {
  const Preset preset = *find_preset("image");
  for (int known = -80; known <= 80; known += 5) {
    const ElevationRange range = elevation_range(preset, static_cast<float>(known));
    ASSERT_LT(range.min, range.max);
    EXPECT_GE(known + range.min, -80);
    EXPECT_LE(known + range.max, 80);
  }
}

TEST(Schedule, AQuarterTurnIs90DegreesOfAzimuth) {
  const Preset preset = *find_preset("text_mv");
  const render::Orbit orbit = view_orbit(preset, -5, {-10, 20, true}, 3, 128);
  EXPECT_EQ(orbit.azimuth_deg, 290);
  EXPECT_EQ(orbit.elevation_deg, -15);
  EXPECT_EQ(orbit.radius, 3.5F);
  EXPECT_EQ(orbit.size, 128);
}

TEST(Schedule, ChecksSubjects) {
  EXPECT_EQ(refusal(boxed(64, 20, 40)), "");
  EXPECT_THAT(refusal(boxed(64, 20, 20)), HasSubstr("empty"));
  EXPECT_THAT(refusal(boxed(256, 20, 25)), HasSubstr("25 of 65536"));
  EXPECT_THAT(refusal(boxed(64, 0, 64)), HasSubstr("covers the whole"));
  EXPECT_EQ(refusal(boxed(64, 0, 63)), "");
  Subject subject = boxed(64, 20, 40);
  subject.elevation_deg = -81;
  EXPECT_THAT(refusal(subject), HasSubstr("elevation"));
  subject.elevation_deg = std::nanf("");
  EXPECT_THAT(refusal(subject), HasSubstr("elevation"));
  subject = {};
  EXPECT_THAT(refusal(subject), HasSubstr("a picture or a prompt"));
  subject.prompt = "a mug";
  EXPECT_EQ(refusal(subject), "");
  subject.picture = image::Image(64, 32, 4);
  EXPECT_THAT(refusal(subject), HasSubstr("square"));
  subject.picture = image::Image(64, 64, 3);
  EXPECT_THAT(refusal(subject), HasSubstr("alpha"));
}

TEST(Schedule, SeesASubjectAtTheBorder) {
  EXPECT_FALSE(touches_border(boxed(64, 1, 63).picture));
  EXPECT_TRUE(touches_border(boxed(64, 0, 30).picture));
  EXPECT_TRUE(touches_border(boxed(64, 30, 64).picture));
}

}  // namespace
}  // namespace lode::dream
