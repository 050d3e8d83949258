#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include <filesystem>

#include "base/encoding.h"
#include "image/codec.h"
#include "pipeline/backend.h"
#include "pipeline/prepare.h"
#include "splat/ply.h"
#include "splat/spz.h"

namespace lode::pipeline {
namespace {

Request text(std::string prompt, std::uint64_t seed = 1) {
  return {Request::Kind::text, std::move(prompt), {}, seed};
}

Bytes disc_png() {
  image::Image disc(64, 64, 4);
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 64; ++x) {
      const bool inside = (x - 32) * (x - 32) + (y - 32) * (y - 32) < 24 * 24;
      std::uint8_t* pixel = disc.at(x, y);
      pixel[0] = 200;
      pixel[3] = inside ? 255 : 0;
    }
  }
  return *image::encode_png(disc);
}

TEST(Request, TakesBase64OfAPictureForAnImageAndAllElseForText) {
  const Request picture = request_from_prompt(base64_encode(disc_png()), 3);
  EXPECT_EQ(picture.kind, Request::Kind::image);
  EXPECT_EQ(picture.picture, disc_png());
  for (const char* prompt : {"a red mug", "iVBORw0KGgo", "/9j/ is no picture", ""}) {
    EXPECT_EQ(request_from_prompt(prompt, 3).kind, Request::Kind::text) << prompt;
  }
}

TEST(SketchBackend, GivesTheSameBytesForTheSameSeedAndOthersForAnother) {
  auto backend = *make_backend("sketch");
  const auto a = backend->generate(text("a red mug", 1), {});
  const auto b = backend->generate(text("a red mug", 1), {});
  const auto c = backend->generate(text("a red mug", 2), {});
  ASSERT_TRUE(a && b && c);
  EXPECT_EQ(splat::encode_ply(a->cloud), splat::encode_ply(b->cloud));
  EXPECT_NE(splat::encode_ply(a->cloud), splat::encode_ply(c->cloud));
}

TEST(SketchBackend, DrawsAStandInForAnUnknownNoun) {
  auto backend = *make_backend("sketch");
  const auto asset = backend->generate(text("a brass astrolabe"), {});
  ASSERT_TRUE(asset);
  EXPECT_GE(asset->cloud.size(), 7000U);
}

TEST(SketchBackend, NamesItsStages) {
  auto backend = *make_backend("sketch");
  const auto asset = backend->generate(text("a chair"), {});
  ASSERT_TRUE(asset);
  ASSERT_EQ(asset->stages.size(), 2U);
  EXPECT_EQ(asset->stages[0].stage, "parse");
  EXPECT_EQ(asset->stages[1].stage, "build");
}

/// A red disc over waves of brown, without alpha.
Bytes photo_png() {
  image::Image photo(96, 96, 3);
  for (int y = 0; y < 96; ++y) {
    for (int x = 0; x < 96; ++x) {
      const bool is_inside = (x - 48) * (x - 48) + (y - 48) * (y - 48) < 30 * 30;
      std::uint8_t* pixel = photo.at(x, y);
      pixel[0] = is_inside ? 210 : static_cast<std::uint8_t>(110 + (7 * x + 3 * y) % 40);
      pixel[1] = is_inside ? 30 : static_cast<std::uint8_t>(90 + (5 * x + 11 * y) % 30);
      pixel[2] = is_inside ? 40 : 60;
    }
  }
  return *image::encode_png(photo);
}

TEST(SketchBackend, CutsAPhotosSubjectOutAndSaysSo) {
  auto backend = *make_backend("sketch");
  const auto asset = backend->generate({Request::Kind::image, "", photo_png(), 1}, {});
  ASSERT_TRUE(asset) << asset.error().message();
  ASSERT_EQ(asset->stages.size(), 3U);
  EXPECT_EQ(asset->stages[1].stage, "cutout");
  ASSERT_EQ(asset->notes.size(), 1U);
  EXPECT_TRUE(asset->notes[0].starts_with("cut out: GrabCut")) << asset->notes[0];
}

TEST(SketchBackend, LeavesPicturesWithAlphaAsTheyAre) {
  auto backend = *make_backend("sketch");
  const auto asset = backend->generate({Request::Kind::image, "", disc_png(), 1}, {});
  ASSERT_TRUE(asset);
  EXPECT_EQ(asset->stages.size(), 2U);
  EXPECT_TRUE(asset->notes.empty());
}

TEST(SketchBackend, RefusesEmptyHugeAndUndecodableRequests) {
  auto backend = *make_backend("sketch");
  EXPECT_EQ(backend->generate(text("  \n"), {}).error().code, Errc::invalid_input);
  EXPECT_EQ(backend->generate(text(std::string(1 << 20, 'a')), {}).error().code,
            Errc::limit_exceeded);
  Request broken{Request::Kind::image, "", disc_png(), 1};
  broken.picture.resize(40);
  EXPECT_EQ(backend->generate(broken, {}).error().code, Errc::invalid_input);
}

TEST(SketchBackend, EndsWhenAskedToStop) {
  auto backend = *make_backend("sketch");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(backend->generate(text("a chair"), stop.get_token()).error().code, Errc::cancelled);
}

TEST(SketchBackend, EndsSoonWhenAskedToStopOnTheWay) {
  const auto backend = *make_backend("sketch");
  const Request request = text("six windmills on a wooden table");
  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(backend->generate(request, {}));
  const auto whole = std::chrono::steady_clock::now() - began;
  for (const double share : {0.1, 0.3, 0.5, 0.7, 0.9}) {
    std::stop_source stop;
    std::chrono::steady_clock::time_point asked;
    std::jthread other([&] {
      std::this_thread::sleep_for(whole * share);
      asked = std::chrono::steady_clock::now();
      stop.request_stop();
    });
    const auto asset = backend->generate(request, stop.get_token());
    const auto ended = std::chrono::steady_clock::now();
    other.join();
    if (asset) {
      continue;  // this machine was quicker the second time
    }
    EXPECT_EQ(asset.error().code, Errc::cancelled);
    EXPECT_LT(ended - asked, std::chrono::milliseconds(300)) << share;
  }
}

TEST(Backend, ListsKnownNamesWhenTheNameIsUnknown) {
  const auto unknown = make_backend("trellis");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Errc::not_found);
  EXPECT_NE(unknown.error().context.find("sketch"), std::string::npos);
}

TEST(Prepare, PacksAPictureSoThatTheValidatorsFramingLeavesItAlone) {
  auto backend = *make_backend("sketch");
  const auto asset = backend->generate({Request::Kind::image, "", disc_png(), 5}, {});
  ASSERT_TRUE(asset) << asset.error().message();
  const auto prepared = prepare(asset->cloud, 5);
  ASSERT_TRUE(prepared) << prepared.error().message();
  const splat::Scene sent = splat::activate(*splat::decode_spz(prepared->spz));
  splat::Scene framed = sent;
  splat::frame(framed);
  for (std::size_t i = 0; i < sent.size(); i += 97) {
    EXPECT_NEAR(framed.positions[i].x, sent.positions[i].x, 1e-3);
    EXPECT_NEAR(framed.positions[i].y, sent.positions[i].y, 1e-3);
    EXPECT_FLOAT_EQ(framed.scales[i].x, sent.scales[i].x);
  }
}

TEST(Prepare, RefusesAnEmptyCloud) { EXPECT_FALSE(prepare({}, 1)); }

}  // namespace
}  // namespace lode::pipeline
