#include "cutout/cutout.h"

#include <gtest/gtest.h>

#include "cutout/test_pictures.h"

namespace lode::cutout {
namespace {

/// Answers what it was given.
class FixedMatter final : public Matter {
 public:
  FixedMatter(std::string name, Result<Matte> answer)
      : name_(std::move(name)), answer_(std::move(answer)) {}
  std::string_view name() const override { return name_; }
  Result<Matte> matte(const image::Image&, std::stop_token) override {
    ++asked;
    return answer_;
  }
  int asked = 0;

 private:
  std::string name_;
  Result<Matte> answer_;
};

using Matters = std::vector<std::unique_ptr<Matter>>;

FixedMatter* add(Matters& matters, std::string name, Result<Matte> answer) {
  auto matter = std::make_unique<FixedMatter>(std::move(name), std::move(answer));
  FixedMatter* raw = matter.get();
  matters.push_back(std::move(matter));
  return raw;
}

image::Image with_alpha(const image::GreyImage& alpha, std::uint8_t grey) {
  image::Image out(alpha.width, alpha.height, 4, grey);
  for (std::size_t i = 0; i < alpha.pixels.size(); ++i) {
    out.pixels[4 * i + 3] = alpha.pixels[i];
  }
  return out;
}

TEST(CutOut, TakesTheFirstMatteWithNothingOddAndAsksNoFurther) {
  Matters matters;
  add(matters, "none", fail(Errc::unsupported, "does not apply"));
  add(matters, "good", Matte{test::disc(64, 20, 2), "a disc"});
  const FixedMatter* last = add(matters, "last", Matte{test::disc(64, 10, 2), ""});
  const auto cutout = cut_out(test::textured_ground(64, 64), matters);
  ASSERT_TRUE(cutout) << cutout.error().message();
  EXPECT_EQ(cutout->report.matter, "good");
  EXPECT_EQ(cutout->report.reason, "a disc; none: does not apply");
  EXPECT_EQ(last->asked, 0);
  EXPECT_FALSE(cutout->report.agreement);
  EXPECT_EQ(cutout->picture.width, 512);
  EXPECT_EQ(cutout->picture.channels, 4);
}

TEST(CutOut, AsksForASecondOpinionAndReportsTheAgreement) {
  image::GreyImage pieces(64, 64);
  test::fill_box(pieces, 10, 10, 20, 20);
  test::fill_box(pieces, 40, 10, 20, 20);
  image::GreyImage one(64, 64);
  test::fill_box(one, 10, 10, 20, 20);
  Matters matters;
  add(matters, "odd", Matte{pieces, "two boxes"});
  add(matters, "second", Matte{one, "one box"});
  const auto cutout = cut_out(test::textured_ground(64, 64), matters);
  ASSERT_TRUE(cutout);
  EXPECT_EQ(cutout->report.matter, "second");
  ASSERT_EQ(cutout->report.opinions.size(), 2U);
  EXPECT_EQ(cutout->report.opinions[0].inspection.findings[0].oddity, Oddity::fragmented);
  EXPECT_DOUBLE_EQ(*cutout->report.agreement, 0.5);
  EXPECT_NE(cutout->report.reason.find("odd: the largest of 2 parts"), std::string::npos)
      << cutout->report.reason;
}

TEST(CutOut, PrefersAnOddMatteToNone) {
  image::GreyImage pieces(64, 64);
  test::fill_box(pieces, 10, 10, 20, 20);
  test::fill_box(pieces, 40, 10, 20, 20);
  Matters matters;
  add(matters, "odd", Matte{pieces, "two boxes"});
  add(matters, "empty", Matte{image::GreyImage(64, 64), "nothing"});
  const auto cutout = cut_out(test::textured_ground(64, 64), matters);
  ASSERT_TRUE(cutout);
  EXPECT_EQ(cutout->report.matter, "odd");
  EXPECT_EQ(cutout->report.removed_parts, 1) << "the largest is kept";
}

TEST(CutOut, SaysWhyWhenNoMatteIsUsable) {
  Matters matters;
  add(matters, "full", Matte{image::GreyImage(64, 64, 255), ""});
  add(matters, "none", fail(Errc::unsupported, "does not apply"));
  const auto cutout = cut_out(test::textured_ground(64, 64), matters);
  ASSERT_FALSE(cutout);
  EXPECT_EQ(cutout.error().code, Errc::invalid_input);
  EXPECT_NE(cutout.error().context.find("full: 100.0 % of the picture"), std::string::npos);
  EXPECT_NE(cutout.error().context.find("none: does not apply"), std::string::npos);
  EXPECT_FALSE(cut_out(test::textured_ground(64, 64), Matters()));
}

TEST(CutOut, KeepsTheColoursUnderThePicturesOwnAlpha) {
  Matters matters;
  matters.push_back(alpha_matter());
  const image::Image picture = with_alpha(test::disc(64, 20, 6), 77);
  CutoutOptions options;
  options.frame.reset();
  const auto cutout = cut_out(picture, matters, options);
  ASSERT_TRUE(cutout) << cutout.error().message();
  EXPECT_EQ(cutout->picture.pixels, picture.pixels);
  EXPECT_EQ(cutout->report.matter, "alpha");
}

TEST(CutOut, RefusesTransparentPicturesAndOpaqueAlphaAlone) {
  Matters matters;
  matters.push_back(alpha_matter());
  const auto transparent = cut_out(image::Image(20, 20, 4, 0), matters);
  ASSERT_FALSE(transparent);
  EXPECT_NE(transparent.error().context.find("fully transparent"), std::string::npos);
  const auto opaque = cut_out(image::Image(20, 20, 4, 255), matters);
  ASSERT_FALSE(opaque);
  EXPECT_NE(opaque.error().context.find("opaque"), std::string::npos);
}

TEST(CutOut, ShrinksWhatIsLargerThanTheBoundAndTimesItsStages) {
  Matters matters;
  matters.push_back(alpha_matter());
  CutoutOptions options;
  options.most_side = 32;
  options.frame.reset();
  const ManualClock clock(from_unix_seconds(5));
  options.clock = &clock;
  const auto cutout = cut_out(with_alpha(test::disc(64, 20, 2), 9), matters, options);
  ASSERT_TRUE(cutout);
  EXPECT_EQ(cutout->picture.width, 32);
  EXPECT_EQ(cutout->report.width, 32);
  ASSERT_EQ(cutout->report.seconds.size(), 3U);
  EXPECT_EQ(cutout->report.seconds[0].stage, "matte");
  EXPECT_EQ(cutout->report.seconds[0].seconds, 0);
}

TEST(CutOut, EndsWhenAskedToStop) {
  Matters matters;
  add(matters, "good", Matte{test::disc(64, 20, 2), "a disc"});
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(cut_out(test::textured_ground(64, 64), matters, {}, stop.get_token()).error().code,
            Errc::cancelled);
}

TEST(SubjectOf, LeavesPicturesWithAlphaAloneAndCutsOthersOut) {
  const image::GreyImage truth = test::disc(96, 30, 2);
  const image::Image own = with_alpha(truth, 40);
  EXPECT_EQ(subject_of(own)->picture.pixels, own.pixels);
  const auto cut = subject_of(test::composite(truth, {200, 30, 30}, {90, 160, 90}));
  ASSERT_TRUE(cut) << cut.error().message();
  EXPECT_EQ(cut->report.matter, "grabcut");
  EXPECT_EQ(cut->picture.width, 96);
  image::GreyImage alpha(96, 96);
  for (std::size_t i = 0; i < alpha.pixels.size(); ++i) {
    alpha.pixels[i] = cut->picture.pixels[4 * i + 3];
  }
  EXPECT_GT(agreement(truth, alpha), 0.95);
}

}  // namespace
}  // namespace lode::cutout
