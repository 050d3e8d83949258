// Derivatives and drawn views against what DreamGaussian's and MVDream's own code computes with the
// tiny folders and the same noise.
#include <gtest/gtest.h>

#include <cstdio>

#include "guidance/models_internal.h"
#include "guidance/test_support.h"

namespace lode::guidance {
namespace {

constexpr std::int64_t kSide = 24;
constexpr double kTolerance = 1e-4;

void expect_answer(const Answer& answer, const test::GoldenTensors& golden,
                   const std::string& prefix, double tolerance = kTolerance) {
  const double error = test::relative_error(answer.tensor(kSide), golden[prefix + "gradient"]);
  const double loss = golden[prefix + "loss"].item<double>();
  std::printf("%sgradient %.1e, loss %.1e off\n", prefix.c_str(), error,
              std::abs(answer.loss / loss - 1));
  EXPECT_LE(error, tolerance);
  EXPECT_NEAR(answer.loss / loss, 1, tolerance);
}

/// Every eighth pixel of a drawn view against the reference's.
void expect_pixels(const image::Image& picture, const at::Tensor& golden) {
  const image::Image expected = picture_of(golden);
  int largest = 0;
  for (int y = 0; y < expected.height; ++y) {
    for (int x = 0; x < expected.width; ++x) {
      for (int c = 0; c < 3; ++c) {
        largest = std::max(largest, std::abs(picture.at(8 * x, 8 * y)[c] - expected.at(x, y)[c]));
      }
    }
  }
  EXPECT_LE(largest, 1);
}

struct Zero123Case {
  std::string name;
  Zero123Variant variant;
  float rise, azimuth, elevation;
  double progress;
};

class Zero123Golden : public testing::TestWithParam<Zero123Case> {};

TEST_P(Zero123Golden, DifferentiatesAsTheReference) {
  const Zero123Case& c = GetParam();
  const test::GoldenTensors golden(golden_folder() / "zero123.safetensors");
  Zero123Options options = on_cpu<Zero123Options>();
  options.variant = c.variant;
  const Replay noise{golden,
                     {{"zero123 picture", {"posterior"}},
                      {"zero123 posterior 3", {c.name + ".posterior"}},
                      {"zero123 noise 3", {c.name + ".noise"}}}};
  const auto model = open_zero123(golden_folder() / "zero123", options, noise).value();
  dream::Subject subject;
  subject.picture = picture_of(golden["picture"]);
  subject.elevation_deg = c.elevation;
  const auto guidance = model->begin(subject, 1, {}).value();
  const Frames frames(golden[c.name + ".views"],
                      {{.azimuth_deg = c.azimuth, .elevation_deg = c.elevation + c.rise}});
  expect_answer(ask(*guidance, frames, {3, c.progress}).value(), golden, c.name + ".");
}

INSTANTIATE_TEST_SUITE_P(Kinds, Zero123Golden,
                         testing::Values(Zero123Case{"xl", Zero123Variant::xl, 10, 35, 0, 0.3},
                                         Zero123Case{"stable", Zero123Variant::stable, -25, -140,
                                                     -12, 0.8}),
                         [](const auto& info) { return info.param.name; });

TEST(Zero123Views, DrawsViewsAsTheReference) {
  const test::GoldenTensors golden(golden_folder() / "zero123.safetensors");
  Zero123Options options = on_cpu<Zero123Options>();
  options.sampling.azimuths_deg = {30, 270};
  options.sampling.steps = 3;
  const Replay noise{golden,
                     {{"zero123 picture", {"posterior"}},
                      {"zero123 view 0", {"sample.30.noise"}},
                      {"zero123 view 1", {"sample.270.noise"}}}};
  const auto model = open_zero123(golden_folder() / "zero123", options, noise).value();
  EXPECT_EQ(model->name(), "zero123-xl");
  dream::Subject subject;
  subject.picture = picture_of(golden["picture"]);
  const auto views = model->sample(subject, 1, {}, {}).value();
  ASSERT_EQ(views.size(), 2U);
  EXPECT_EQ(views[1].orbit.azimuth_deg, 270);
  EXPECT_EQ(views[1].orbit.size, 256);
  expect_pixels(views[0].picture, golden["sample.30.pixels"]);
  expect_pixels(views[1].picture, golden["sample.270.pixels"]);
}

MvdreamOptions mvdream_options() {
  MvdreamOptions options = on_cpu<MvdreamOptions>();
  options.negative_prompt = "ugly, blurry";
  options.sampling.negative_prompt = "ugly, blurry";
  options.sampling.steps = 3;
  return options;
}

dream::Subject red_dragon() {
  dream::Subject subject;
  subject.prompt = "a red dragon";
  return subject;
}

Answer ask_mvdream(const MvdreamOptions& options, const dream::GuidanceStep& step,
                   const test::GoldenTensors& golden) {
  const Replay noise{golden,
                     {{"mvdream posterior 1", {"posterior"}}, {"mvdream noise 1", {"noise"}}}};
  const auto model = open_mvdream(golden_folder() / "mvdream", options, noise).value();
  const auto guidance = model->begin(red_dragon(), 1, {}).value();
  std::vector<render::Orbit> orbits;
  for (int i = 0; i < 4; ++i) {
    orbits.push_back({.azimuth_deg = 15.0F + 90.0F * static_cast<float>(i), .elevation_deg = -20});
  }
  return ask(*guidance, Frames(golden["views"], orbits), step).value();
}

TEST(MvdreamGolden, DifferentiatesAsTheReference) {
  const test::GoldenTensors golden(golden_folder() / "mvdream.safetensors");
  expect_answer(ask_mvdream(mvdream_options(), {1, 0.45}, golden), golden, "");
}

TEST(MvdreamGolden, ReconstructsAsTheReference) {
  const test::GoldenTensors golden(golden_folder() / "mvdream.safetensors");
  MvdreamOptions options = mvdream_options();
  options.scale = 50;
  options.reconstruction = 0.5;
  // At the very beginning the range of time steps is 980 alone.
  expect_answer(ask_mvdream(options, {1, 0}, golden), golden, "reconstruction.");
}

TEST(MvdreamGolden, DrawsFourViewsAsTheReference) {
  const test::GoldenTensors golden(golden_folder() / "mvdream.safetensors");
  // The reference's azimuths are ours plus 90: its view i is our view (i + 3) % 4.
  Replay noise{golden, {}};
  for (std::int64_t i = 0; i < 4; ++i) {
    noise.names["mvdream view " + std::to_string((i + 3) % 4)] = {"sample.noise", i};
  }
  const auto model = open_mvdream(golden_folder() / "mvdream", mvdream_options(), noise).value();
  int told = 0;
  const auto views = model
                         ->sample(red_dragon(), 1,
                                  [&](int step, int of) {
                                    EXPECT_EQ(step, ++told);
                                    EXPECT_EQ(of, 3);
                                  },
                                  {})
                         .value();
  EXPECT_EQ(told, 3);
  ASSERT_EQ(views.size(), 4U);
  EXPECT_EQ(views[0].orbit.azimuth_deg, 0);
  EXPECT_EQ(views[0].orbit.elevation_deg, -15);
  const at::Tensor expected = golden["sample.pixels"];
  for (std::int64_t i = 0; i < 4; ++i) {
    expect_pixels(views[static_cast<std::size_t>((i + 3) % 4)].picture, expected[i]);
  }
}

void expect_stable_diffusion(const std::string& name, bool view_prompts) {
  const test::GoldenTensors golden(golden_folder() / "sd21.safetensors");
  StableDiffusionOptions options = on_cpu<StableDiffusionOptions>();
  options.view_prompts = view_prompts;
  options.negative_prompt = "ugly, blurry";
  const Replay noise{
      golden,
      {{"stable-diffusion posterior 7", {"posterior"}}, {"stable-diffusion noise 7", {"noise"}}}};
  const auto model = open_stable_diffusion(golden_folder() / "sd21", options, noise).value();
  const auto guidance = model->begin(red_dragon(), 1, {}).value();
  const Frames frames(golden["views"], {{.azimuth_deg = -75}});
  expect_answer(ask(*guidance, frames, {7, 0.6}).value(), golden, name + ".");
}

TEST(StableDiffusionGolden, DifferentiatesAsTheReference) {
  expect_stable_diffusion("plain", false);
}

TEST(StableDiffusionGolden, TellsTheSideInThePrompt) { expect_stable_diffusion("directed", true); }

}  // namespace
}  // namespace lode::guidance
