#include "judge/judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "render/render.h"
#include "sketch/sketch.h"
#include "splat/precondition.h"
#include "splat/spz.h"

namespace lode::judge {
namespace {

using testing::HasSubstr;

// Gaussians scattered over the surface of an ellipsoid of one colour.
splat::GaussianCloud ellipsoid(glm::vec3 half_axes, glm::vec3 colour, std::size_t count = 9000) {
  Rng rng(7);
  splat::GaussianCloud cloud;
  cloud.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const glm::vec3 p(rng.normal(), rng.normal(), rng.normal());
    cloud.positions[i] = half_axes * p / glm::length(p);
    cloud.log_scales[i] = glm::vec3(-4.0F);
    cloud.rotations[i] = glm::normalize(glm::quat(1, 0.2F, static_cast<float>(rng.uniform()), 0));
    cloud.opacity_logits[i] = 3;
    cloud.f_dc[i] = (colour - 0.5F) / splat::kShC0;
  }
  return cloud;
}

constexpr glm::vec3 kRed(0.8F, 0.1F, 0.1F);
constexpr glm::vec3 kBlue(0.1F, 0.2F, 0.8F);

Bytes packed(const splat::GaussianCloud& cloud) { return *splat::encode_spz(cloud); }

image::Image picture_of(const splat::GaussianCloud& cloud) {
  splat::Scene scene = splat::activate(cloud);
  splat::frame(scene);
  render::RenderOptions over_black;
  over_black.background = glm::vec3(0);
  return render::to_cutout(
      render::render(scene, render::orbit_camera({.elevation_deg = -10, .size = 128}), over_black));
}

// ---- compare -----------------------------------------------------------------------------------

TEST(Compare, SceneAgainstItselfIsAlmostOne) {
  const splat::Scene scene = splat::activate(ellipsoid({0.5F, 0.8F, 0.3F}, kRed));
  const Comparison comparison = compare(scene, scene);
  EXPECT_GT(comparison.score, 0.99);
  EXPECT_LE(comparison.score, 1.0);
  EXPECT_EQ(comparison.views.size(), 15U);
}

TEST(Compare, SizeAndPlaceDoNotMatter) {
  splat::GaussianCloud small = ellipsoid({0.5F, 0.8F, 0.3F}, kRed);
  const splat::Scene reference = splat::activate(small);
  for (std::size_t i = 0; i < small.size(); ++i) {
    small.positions[i] = 0.8F * small.positions[i] + glm::vec3(0.1F);
    small.log_scales[i] += std::log(0.8F);
  }
  EXPECT_GT(compare(splat::activate(small), reference).score, 0.9);
}

TEST(Compare, OtherShapeAndOtherColourAreBelowTheThreshold) {
  const splat::Scene reference = splat::activate(ellipsoid({0.5F, 0.8F, 0.5F}, kRed));
  const splat::Scene lying = splat::activate(ellipsoid({0.8F, 0.25F, 0.5F}, kRed));
  const splat::Scene blue = splat::activate(ellipsoid({0.5F, 0.8F, 0.5F}, kBlue));
  EXPECT_LT(compare(lying, reference).score, 0.6);
  EXPECT_LT(compare(blue, reference).score, 0.1);
}

TEST(Compare, NothingAgainstSomethingIsNearZero) {
  const splat::Scene reference = splat::activate(ellipsoid({0.5F, 0.8F, 0.5F}, kRed));
  EXPECT_LT(compare(splat::Scene{}, reference).score, 0.02);
}

TEST(Compare, FrontEmphasisForgivesAWrongBack) {
  const splat::GaussianCloud whole = ellipsoid({0.5F, 0.5F, 0.5F}, kRed);
  splat::GaussianCloud wrong_back = whole;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (whole.positions[i].z < -0.1F)
      wrong_back.f_dc[i] = (kBlue - 0.5F) / splat::kShC0;
  }
  const splat::Scene a = splat::activate(wrong_back);
  const splat::Scene b = splat::activate(whole);
  CompareOptions front;
  front.emphasis = Emphasis::front;
  EXPECT_GT(compare(a, b, front).score, compare(a, b).score + 0.1);
}

// ---- submissions -------------------------------------------------------------------------------

TEST(OpenSubmission, RefusesWhatTheValidatorsRefuse) {
  const auto refusal = [](const Bytes& spz) { return open_submission(spz).error().context; };
  const Bytes nothing;
  EXPECT_THAT(refusal(nothing), HasSubstr("zstd"));
  splat::SpzOptions gzip;
  gzip.container = splat::SpzContainer::gzip;
  const splat::GaussianCloud cloud = ellipsoid({0.5F, 0.5F, 0.5F}, kRed);
  EXPECT_THAT(refusal(*splat::encode_spz(cloud, gzip)), HasSubstr("zstd"));
  EXPECT_THAT(refusal(packed(ellipsoid({0.5F, 0.5F, 0.5F}, kRed, 6999))), HasSubstr("7000"));
  Bytes cut = packed(cloud);
  cut.resize(cut.size() / 2);
  EXPECT_FALSE(open_submission(cut).has_value());
  EXPECT_TRUE(open_submission(packed(cloud)).has_value());
}

TEST(JudgeText, RefusedFileScoresZeroAndSaysWhy) {
  const Verdict verdict = *judge_text(packed(ellipsoid({1, 1, 1}, kRed, 100)), "a red mug");
  EXPECT_EQ(verdict.score, 0);
  EXPECT_THAT(verdict.reason, HasSubstr("refused"));
}

TEST(JudgeText, CannotVouchForUnknownObjects) {
  const Verdict verdict =
      *judge_text(packed(ellipsoid({0.5F, 0.5F, 0.5F}, kRed)), "an ornate harpsichord");
  EXPECT_LT(verdict.score, 0.05);
  EXPECT_THAT(verdict.reason, HasSubstr("harpsichord"));
}

TEST(JudgeText, AcceptsTheDrawingAndRejectsAnotherColour) {
  sketch::Options small;
  small.gaussians = 10'000;
  Rng rng(1);
  const auto cloud =
      splat::precondition(sketch::build(sketch::parse_prompt("a red apple").scene, 3, small), rng);
  const Bytes spz = packed(cloud.value());
  const Verdict right = *judge_text(spz, "a red apple");
  EXPECT_GE(right.score, 0.6) << right.reason;
  EXPECT_EQ(right.views.size(), 15U);
  const Verdict wrong = *judge_text(spz, "a blue apple");
  EXPECT_LT(wrong.score, 0.6) << wrong.reason;
}

// ---- pictures ----------------------------------------------------------------------------------

TEST(JudgeImage, HoldsTheFrontAgainstThePicture) {
  const splat::GaussianCloud red = ellipsoid({0.5F, 0.8F, 0.4F}, kRed);
  const Verdict right = *judge_image(packed(red), picture_of(red));
  EXPECT_GT(right.score, 0.8) << right.reason;
  const Verdict other_colour =
      *judge_image(packed(red), picture_of(ellipsoid({0.5F, 0.8F, 0.4F}, kBlue)));
  EXPECT_LT(other_colour.score, 0.2) << other_colour.reason;
  const Verdict other_shape =
      *judge_image(packed(red), picture_of(ellipsoid({0.8F, 0.3F, 0.4F}, kRed)));
  EXPECT_LT(other_shape.score, 0.6) << other_shape.reason;
}

TEST(JudgeImage, BillboardIsMarkedDown) {
  const splat::GaussianCloud solid = ellipsoid({0.5F, 0.8F, 0.4F}, kRed);
  const splat::GaussianCloud flat = ellipsoid({0.5F, 0.8F, 0.004F}, kRed);
  const image::Image picture = picture_of(solid);
  const Verdict verdict = *judge_image(packed(flat), picture);
  EXPECT_GT(verdict.alignment, 0.6);
  EXPECT_LT(verdict.score, 0.3);
  EXPECT_THAT(verdict.reason, HasSubstr("billboard"));
}

TEST(JudgeImage, PictureWithoutSubjectScoresZero) {
  const Verdict verdict =
      *judge_image(packed(ellipsoid({0.5F, 0.5F, 0.5F}, kRed)), image::Image(64, 64, 3, 200));
  EXPECT_EQ(verdict.score, 0);
  EXPECT_THAT(verdict.reason, HasSubstr("no subject"));
}

// ---- stopping ----------------------------------------------------------------------------------

TEST(Judge, DoesNothingMoreOnceAskedToStop) {
  std::stop_source source;
  source.request_stop();
  const std::stop_token stopped = source.get_token();
  const splat::GaussianCloud red = ellipsoid({0.5F, 0.8F, 0.4F}, kRed);
  const Bytes spz = packed(red);
  EXPECT_EQ(judge_text(spz, "a red apple", stopped).error().code, Errc::cancelled);
  EXPECT_EQ(judge_image(spz, picture_of(red), stopped).error().code, Errc::cancelled);
  const Bytes junk{1, 2, 3};
  EXPECT_EQ(judge_image(junk, picture_of(red), stopped).error().code, Errc::cancelled)
      << "it is not even read";
  const splat::Scene scene = splat::activate(red);
  EXPECT_TRUE(compare(scene, scene, {.stop = stopped}).views.empty());
}

TEST(Judge, DrawsNoViewMoreAfterAStopThatArrivesMidRun) {
  const splat::Scene scene = splat::activate(ellipsoid({0.5F, 0.8F, 0.4F}, kRed));
  std::stop_source source;
  int views = 0;
  CompareOptions options;
  options.stop = source.get_token();
  options.on_view = [&] {
    if (++views == 4) {
      source.request_stop();
    }
  };
  EXPECT_EQ(compare(scene, scene, options).views.size(), 4U);
}

}  // namespace
}  // namespace lode::judge
