// The networks of the validators' scoring engine against what the reference libraries compute with
// the tiny snapshot.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include "models/clip_vision.h"
#include "models/convnext.h"
#include "models/dinov2.h"
#include "models/lpips.h"
#include "models/open_clip_text.h"
#include "models/test_networks.h"
#include "tests/support/golden_tensors.h"

namespace lode::models {
namespace {

using test::GoldenTensors;
using test::relative_error;

std::filesystem::path golden_folder() {
  return std::filesystem::path(LODE_SOURCE_DIR) / "tests" / "golden" / "score";
}
std::filesystem::path snapshot(const std::string& part) {
  return golden_folder() / "snapshot" / part;
}
GoldenTensors golden(const std::string& tower) {
  return GoldenTensors(golden_folder() / ("towers_" + tower + ".safetensors"));
}

/// The stored bytes as the networks of the golden files got them.
at::Tensor pixels_of(const at::Tensor& bytes) { return (bytes.to(at::kFloat) - 128) / 64; }

class ScoreParity : public testing::Test {
 private:
  at::NoGradGuard no_gradients_;
};

void check_clip(const std::string& name) {
  const GoldenTensors want = golden(name);
  const ClipConfig config = parse_clip_config(config_file(snapshot(name) / "config.json")).value();
  const Loaded<ClipText> text(snapshot(name), Held(), config.text);
  const Loaded<ClipVision> vision(snapshot(name), Held(), config.vision);
  const ClipText::Output read = text(want["ids"]);
  expect_within(name + " text hidden", read.hidden, want["text.last_hidden_state"]);
  expect_within(name + " text", read.pooled, want["text_features"]);
  const ClipVision::Output seen = vision(pixels_of(want["pixels"]));
  expect_within(name + " vision hidden", seen.hidden, want["vision.last_hidden_state"]);
  expect_within(name + " vision", seen.pooled, want["image_features"]);
  expect_within(name + " embeds", normalised(seen.pooled), want["image_embeds"]);
}

TEST_F(ScoreParity, ClipWithOldEnds) { check_clip("clip_b"); }
TEST_F(ScoreParity, ClipWithNewEndsAndExactGelu) { check_clip("clip_l"); }

TEST_F(ScoreParity, ImageHalfOfLlm2Clip) {
  const GoldenTensors want = golden("llm2clip");
  const auto config =
      parse_clip_vision_config(config_file(snapshot("llm2clip") / "config.json")).value();
  const ClipVision::Output seen =
      Loaded<ClipVision>(snapshot("llm2clip"), Held(), config)(pixels_of(want["pixels"]));
  expect_within("llm2clip hidden", seen.hidden, want["last_hidden_state"]);
  expect_within("llm2clip", seen.pooled, want["image_features"]);
}

TEST_F(ScoreParity, ConvNextAndItsText) {
  const GoldenTensors want = golden("convnext");
  const auto config =
      parse_open_clip_config(config_file(snapshot("convnext") / "open_clip_config.json")).value();
  const Loaded<OpenClipText> text(snapshot("convnext"), Held(), config);
  expect_within("open_clip text", text(want["ids"]), want["text_features"]);
  const auto trunk =
      convnext_config_of(weights::Checkpoint::open(snapshot("convnext")).value()).value();
  const Loaded<ConvNext> vision(snapshot("convnext"), Held(), trunk);
  for (const std::string p : {"square", "odd", "wide"}) {
    expect_within("convnext " + p, vision(pixels_of(want[p + ".pixels"])),
                  want[p + ".image_features"]);
  }
}

TEST_F(ScoreParity, Dinov2AtItsOwnAndOtherSizes) {
  const GoldenTensors want = golden("dinov2");
  const auto config = parse_dinov2_config(config_file(snapshot("dinov2") / "config.json")).value();
  const std::filesystem::path tuned = snapshot("quality") / "quality_scorer.safetensors";
  const Loaded<Dinov2> plain(snapshot("dinov2"), Held(), config);
  const Loaded<Dinov2> backbone(tuned, Held(), config);
  const Loaded<QualityHead> head(tuned, Held(), config.width);
  for (const std::string p : {"same", "large", "wide", "ragged"}) {
    const at::Tensor pixels = pixels_of(want[p + ".pixels"]);
    const at::Tensor hidden = backbone(pixels);
    expect_within("dinov2 " + p, hidden, want[p + ".last_hidden_state"]);
    expect_within("quality " + p, head(hidden.select(1, 0)), want[p + ".score"]);
    expect_within("quality, own backbone " + p, head(plain(pixels).select(1, 0)),
                  want[p + ".heads_only_logit"].sigmoid());
  }
}

void check_lpips(const std::string& trunk, const std::string& features) {
  const GoldenTensors want = golden("lpips");
  const std::filesystem::path file = snapshot("lpips") / (features + ".safetensors");
  const auto config = lpips_config_of(weights::Checkpoint::open(file).value()).value();
  const Loaded<LpipsFeatures> network(file, Held(), config);
  const Loaded<LpipsHead> head(snapshot("lpips") / ("lpips_" + trunk + ".safetensors"), Held(),
                               config);
  const auto a = network(want["first"].to(at::kFloat) / 255);
  const auto b = network(want["second"].to(at::kFloat) / 255);
  expect_within("lpips " + trunk, head(a, b), want[trunk + ".value"]);
  EXPECT_EQ(head(a, a).abs().max().item<float>(), 0) << "a picture is like itself";
}

TEST_F(ScoreParity, LpipsOfAlexNet) { check_lpips("alex", "alexnet"); }
TEST_F(ScoreParity, LpipsOfVgg16) { check_lpips("vgg", "vgg16"); }

}  // namespace
}  // namespace lode::models
