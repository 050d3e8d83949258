// The whole engine against the validators' own code on the tiny networks, and what it says to bad
// splats, prompts and weights.
#include "scorer/scorer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "image/codec.h"
#include "score/proxy.h"
#include "scorer/views.h"
#include "splat/spz.h"

namespace lode::scorer {
namespace {

using testing::HasSubstr;

std::filesystem::path golden_folder() {
  return std::filesystem::path(LODE_SOURCE_DIR) / "tests" / "golden" / "score";
}
std::filesystem::path snapshot(const std::string& part) {
  return golden_folder() / "snapshot" / part;
}

ScorerFolders all_folders() {
  ScorerFolders folders;
  folders.clip = snapshot("convnext");
  folders.tokenizer =
      std::filesystem::path(LODE_SOURCE_DIR) / "tests/golden/flux/snapshot/tokenizer";
  folders.image_tower = snapshot("llm2clip");
  folders.quality = snapshot("quality");
  folders.dinov2 = snapshot("dinov2");
  folders.lpips = snapshot("lpips");
  return folders;
}

ScorerFolders only_clip(const std::string& part) {
  ScorerFolders folders;
  folders.clip = snapshot(part);
  folders.tokenizer = all_folders().tokenizer;
  return folders;
}

nlohmann::ordered_json engine_golden() {
  const Bytes text = read_file(golden_folder() / "engine.json", 1 << 22).value();
  return parse_json({reinterpret_cast<const char*>(text.data()), text.size()}).value();
}

/// The golden file's views, which lie in one picture below each other.
std::vector<image::Image> golden_views() {
  const image::Image all = image::read_image(golden_folder() / "views.png").value();
  const int side = all.width;
  std::vector<image::Image> views;
  for (int i = 0; i < kViews; ++i) {
    views.emplace_back(side, side, 3);
    std::copy_n(all.at(0, i * side), views.back().pixels.size(), views.back().pixels.data());
  }
  return views;
}

/// Largest |got - want| over the values, each as a part of the largest |want|.
double relative_error(const std::vector<double>& got, const nlohmann::ordered_json& want) {
  double error = 0;
  double scale = 0;
  EXPECT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < std::min(got.size(), want.size()); ++i) {
    error = std::max(error, std::abs(got[i] - want[i].get<double>()));
    scale = std::max(scale, std::abs(want[i].get<double>()));
  }
  return error / scale;
}

void expect_near(const std::optional<double>& got, const nlohmann::ordered_json& want,
                 double bound) {
  ASSERT_TRUE(got);
  EXPECT_NEAR(*got, want.get<double>(), bound);
}

class Engine : public testing::Test {
 protected:
  static Verdict judge(Scorer& scorer, const nlohmann::ordered_json& run,
                       const std::vector<image::Image>& views) {
    if (run.contains("picture")) {
      const image::Image picture =
          image::read_image(golden_folder() / run["picture"].get<std::string>()).value();
      return scorer.score(views, {{}, &picture}).value();
    }
    const auto prompt = run["prompt"].get<std::string>();
    return scorer.score(views, {prompt}).value();
  }
};

TEST_F(Engine, EqualsTheValidatorsInFloat32) {
  const auto want = engine_golden();
  ScorerOptions options;
  options.half_inputs = false;
  Scorer scorer = Scorer::open(all_folders(), options).value();
  const std::vector<image::Image> views = golden_views();
  double cosines = 0;
  double scores = 0;
  for (const char* kind : {"text", "image"}) {
    for (const auto& run : want[kind]) {
      const Verdict verdict = judge(scorer, run, views);
      const double error = relative_error(verdict.views.alignment, run["cosines"]["values"]);
      EXPECT_LE(error, 1e-4) << run["cosines"];
      cosines = std::max(cosines, error);
      expect_near(verdict.components.alignment, run["alignment"], 1e-4);
      expect_near(verdict.value, run["score"], 1e-4);
      scores = std::max(scores, std::abs(*verdict.value - run["score"].get<double>()));
    }
  }
  const Verdict verdict = judge(scorer, want["text"][0], views);
  const auto& common = want["views"];
  const double quality = relative_error(verdict.views.quality, common["iqa_views"]);
  const double ssim = relative_error(verdict.views.ssim, common["ssim_pairs"]["values"]);
  const double lpips = relative_error(verdict.views.lpips, common["lpips_pairs"]["values"]);
  EXPECT_LE(quality, 1e-4);
  EXPECT_LE(ssim, 1e-4);
  EXPECT_LE(lpips, 1e-4);
  expect_near(verdict.components.quality, common["iqa"], 1e-5);
  expect_near(verdict.components.ssim, common["ssim"], 1e-4);
  expect_near(verdict.components.lpips, common["lpips"], 1e-4);
  std::printf("cosines %.1e quality %.1e ssim %.1e lpips %.1e score %.1e\n", cosines, quality, ssim,
              lpips, scores);
}

TEST_F(Engine, IsCloseToTheValidatorsWithRoundedPictures) {
  const auto want = engine_golden();
  Scorer scorer = Scorer::open(all_folders()).value();
  const std::vector<image::Image> views = golden_views();
  for (const char* kind : {"text", "image"}) {
    for (const auto& run : want[kind]) {
      const Verdict verdict = judge(scorer, run, views);
      expect_near(verdict.components.alignment, run["half_input"]["alignment"], 0.004);
      // At the floor of 0.3 the last bit decides between 0 and a score.
      if (std::abs(run["alignment"].get<double>() - 0.3) > 0.004) {
        expect_near(verdict.value, run["half_input"]["score"], 0.002);
      }
    }
  }
}

TEST_F(Engine, ResultsDoNotDependOnTheMemoryBudget) {
  const std::vector<image::Image> views = golden_views();
  ScorerOptions tight;
  tight.memory_budget_bytes = 200'000;
  Scorer free = Scorer::open(all_folders()).value();
  Scorer bound = Scorer::open(all_folders(), tight).value();
  EXPECT_EQ(free.score(views, {"red dragon"})->value, bound.score(views, {"red dragon"})->value);
}

TEST_F(Engine, AlignsOnePictureWithATextAsItDoesAView) {
  const std::vector<image::Image> views = golden_views();
  Scorer scorer = Scorer::open(all_folders()).value();
  const Verdict verdict = scorer.score(views, {"red dragon"}).value();
  const auto alone = scorer.alignment(views[5], "red dragon");
  ASSERT_TRUE(alone && *alone);
  EXPECT_NEAR(**alone, score::text_alignment({&verdict.views.alignment[5], 1}), 1e-4);
  ScorerFolders without;
  without.lpips = all_folders().lpips;
  EXPECT_FALSE(Scorer::open(without)->alignment(views[5], "red dragon").value());
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(scorer.alignment(views[4], "a prompt not seen before", stop.get_token()).error().code,
            Errc::cancelled);
}

TEST_F(Engine, KnowsAPromptTheSecondTime) {
  const std::vector<image::Image> views = golden_views();
  Scorer scorer = Scorer::open(all_folders()).value();
  const Verdict first = scorer.score(views, {"red dragon"}).value();
  const Verdict second = scorer.score(views, {"red dragon"}).value();
  EXPECT_GT(first.seconds.prompt, 0);
  EXPECT_EQ(second.seconds.prompt, 0);
  EXPECT_EQ(first.value, second.value);
}

TEST_F(Engine, ALastViewOfItsOwnIsLookedAt) {
  std::vector<image::Image> views = golden_views();
  views.back() = views[5];
  Scorer scorer = Scorer::open(all_folders()).value();
  const Verdict verdict = scorer.score(views, {"red dragon"}).value();
  ASSERT_EQ(verdict.views.alignment.size(), 16U);
  EXPECT_NEAR(verdict.views.alignment[15], verdict.views.alignment[5], 1e-6);
  EXPECT_NEAR(verdict.views.quality[15], verdict.views.quality[5], 1e-6);
  ASSERT_EQ(verdict.views.lpips.size(), 16U);
  EXPECT_GT(verdict.views.lpips[15], 0);
}

TEST_F(Engine, RefusesViewsOfAnotherNumberOrSize) {
  std::vector<image::Image> views = golden_views();
  Scorer scorer = Scorer::open(all_folders()).value();
  views[3] = image::Image(10, 64, 3);
  EXPECT_EQ(scorer.score(views, {"cat"}).error().code, Errc::invalid_input);
  views.pop_back();
  EXPECT_EQ(scorer.score(views, {"cat"}).error().code, Errc::invalid_input);
}

TEST(Fallback, ClipAloneSaysWhatWasNotJudged) {
  const std::vector<image::Image> views = golden_views();
  for (const std::string clip : {"clip_b", "clip_l", "convnext"}) {
    Scorer scorer = Scorer::open(only_clip(clip)).value();
    EXPECT_THAT(scorer.missing_parts(), testing::ElementsAre("quality", "lpips"));
    const Verdict verdict = scorer.score(views, {"a photo of a cat"}).value();
    EXPECT_TRUE(verdict.value) << clip;
    EXPECT_TRUE(verdict.components.alignment);
    EXPECT_FALSE(verdict.components.quality);
    EXPECT_THAT(verdict.line, HasSubstr("not judged"));
    EXPECT_EQ(verdict.notes.empty(), clip == "convnext");
    const Verdict of_picture = scorer.score(views, {{}, &views[3]}).value();
    EXPECT_NEAR(of_picture.views.alignment[3], 1, 1e-5) << "a view is like itself";
  }
}

TEST(Fallback, DataChecksAloneGiveNoNumber) {
  Scorer scorer = Scorer::open({}).value();
  EXPECT_EQ(scorer.missing_parts().size(), 3U);
  const Verdict verdict = scorer.score(golden_views(), {"a cat"}).value();
  EXPECT_FALSE(verdict.value);
  EXPECT_THAT(verdict.line, HasSubstr("no weights"));
}

/// A ball of gaussians that passes the data checks.
splat::GaussianCloud ball(std::size_t count = 7000) {
  Rng rng(3);
  splat::GaussianCloud cloud;
  cloud.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto at = [&] { return static_cast<float>(0.3 * rng.normal()); };
    cloud.positions[i] = {at(), at(), at()};
    cloud.log_scales[i] = glm::vec3(-4);
    cloud.rotations[i] = {0.6F, 0.8F, 0, 0};
    cloud.opacity_logits[i] = 3;
    cloud.f_dc[i] = {1, static_cast<float>(i % 3), 0};
  }
  return cloud;
}

Verdict judge_cloud(Scorer& scorer, const splat::GaussianCloud& cloud,
                    std::string_view prompt = "a ball") {
  return scorer.score(splat::activate(cloud), {prompt}).value();
}

TEST(BadSplats, ScoreZeroWithTheReason) {
  Scorer scorer = Scorer::open(only_clip("convnext")).value();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  splat::GaussianCloud cloud = ball();
  cloud.positions[10].x = nan;
  EXPECT_THAT(judge_cloud(scorer, cloud).line, HasSubstr("not finite"));
  cloud = ball();
  cloud.log_scales[10].x = std::numeric_limits<float>::infinity();
  EXPECT_THAT(judge_cloud(scorer, cloud).line, HasSubstr("not finite"));
  EXPECT_THAT(judge_cloud(scorer, splat::GaussianCloud()).line, HasSubstr("gaussians: 0"));
  cloud = ball();
  std::ranges::fill(cloud.opacity_logits, -20.0F);
  const Verdict transparent = judge_cloud(scorer, cloud);
  EXPECT_EQ(transparent.value, 0);
  EXPECT_THAT(transparent.refusals, testing::ElementsAre(HasSubstr("opacities")));
  const Bytes garbage = {1, 2, 3, 4, 5};
  const Verdict no_spz = scorer.score(garbage, {"a ball"}).value();
  EXPECT_EQ(no_spz.value, 0);
  EXPECT_THAT(no_spz.line, HasSubstr("SPZ"));
}

TEST(BadSplats, AbsurdSizesAreJudgedAsTheyLook) {
  Scorer scorer = Scorer::open(only_clip("convnext")).value();
  for (const float log_scale : {-30.0F, 30.0F}) {
    splat::GaussianCloud cloud = ball();
    std::ranges::fill(cloud.log_scales, glm::vec3(log_scale));
    const Verdict verdict = judge_cloud(scorer, cloud);
    ASSERT_TRUE(verdict.value) << log_scale;
    EXPECT_TRUE(std::isfinite(*verdict.value));
  }
  splat::GaussianCloud point = ball();
  std::ranges::fill(point.positions, glm::vec3(0.5F));
  EXPECT_TRUE(std::isfinite(*judge_cloud(scorer, point).value)) << "no extent at all";
  splat::GaussianCloud vast = ball();
  for (glm::vec3& p : vast.positions) {
    p *= 1e30F;
  }
  EXPECT_TRUE(std::isfinite(*judge_cloud(scorer, vast).value));
}

TEST(Submissions, AreJudgedFromTheirBytes) {
  Scorer scorer = Scorer::open(all_folders()).value();
  const Bytes spz = splat::encode_spz(ball()).value();
  const Verdict verdict = scorer.score(ByteView(spz), {"a ball"}).value();
  EXPECT_TRUE(verdict.refusals.empty());
  EXPECT_EQ(verdict.views.quality.size(), 16U);
  EXPECT_EQ(verdict.view_scores.size(), 16U);
  EXPECT_EQ(verdict.views.lpips[15], 0) << "the last view is the first";
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(scorer.score(ByteView(spz), {"a ball"}, stop.get_token()).error().code,
            Errc::cancelled);
}

constexpr const char* kAlignedPrompt = "an apple";  // as the tiny networks see the golden views

TEST(Floor, AReachableOneChangesNothingAndLooksAtNothingTwice) {
  Scorer scorer = Scorer::open(all_folders()).value();
  const std::vector<image::Image> views = golden_views();
  const Verdict whole = scorer.score(views, {kAlignedPrompt}).value();
  ASSERT_GE(*whole.components.alignment, score::kAlignmentFloor);
  const Verdict reached = scorer.score(views, {kAlignedPrompt}, {{}, *whole.value - 0.05}).value();
  EXPECT_FALSE(reached.is_discarded);
  EXPECT_NEAR(*reached.value, *whole.value, 1e-6);
  ASSERT_EQ(reached.views.quality.size(), whole.views.quality.size());
  for (std::size_t i = 0; i < whole.views.quality.size(); ++i) {
    EXPECT_NEAR(reached.views.quality[i], whole.views.quality[i], 1e-5) << "view " << i;
    EXPECT_NEAR(reached.views.alignment[i], whole.views.alignment[i], 1e-5) << "view " << i;
  }
  EXPECT_EQ(reached.view_scores.size(), whole.view_scores.size());
}

TEST(Floor, OneFarAboveStopsJudgingAfterFourViews) {
  Scorer scorer = Scorer::open(all_folders()).value();
  const std::vector<image::Image> views = golden_views();
  const Verdict whole = scorer.score(views, {kAlignedPrompt}).value();
  const double floor = *whole.value + 0.5;
  const Verdict stopped = scorer.score(views, {kAlignedPrompt}, {{}, floor}).value();
  ASSERT_TRUE(stopped.is_discarded) << stopped.line;
  EXPECT_LE(*stopped.value, floor);
  EXPECT_THAT(stopped.line, testing::StartsWith("discarded on 4 views: "));
  ASSERT_EQ(stopped.views.alignment.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(stopped.views.alignment[i],
                whole.views.alignment[static_cast<std::size_t>(score::kProxyViews[i])], 1e-5);
  }
  EXPECT_TRUE(stopped.views.ssim.empty());
  EXPECT_TRUE(stopped.views.lpips.empty());
  EXPECT_TRUE(stopped.view_scores.empty());
}

TEST(Floor, OneThatAllAlignmentsPutOutOfReachSparesTheQualityOfTheOthers) {
  ScorerFolders folders = all_folders();
  folders.quality.clear();
  folders.dinov2.clear();
  Scorer without_quality = Scorer::open(folders).value();
  const std::vector<image::Image> views = golden_views();
  const Verdict whole = without_quality.score(views, {kAlignedPrompt}).value();
  // Alignment's share of the score is known after all views, what LPIPS may add is not.
  const double lpips_share = score::kLpipsWeight / (1 - score::kQualityWeight);
  const Verdict verdict =
      without_quality.score(views, {kAlignedPrompt}, {{}, *whole.value + lpips_share}).value();
  EXPECT_TRUE(verdict.is_discarded) << verdict.line << " of " << whole.line;
  EXPECT_TRUE(verdict.views.lpips.empty());
}

TEST(Floor, AnAlignmentUnderTheEnginesIsZeroWithoutTheRest) {
  Scorer scorer = Scorer::open(all_folders()).value();
  const std::vector<image::Image> views = golden_views();
  bool found = false;
  const auto golden = engine_golden();
  for (const auto& run : golden["text"]) {
    const auto prompt = run["prompt"].get<std::string>();
    const Verdict whole = scorer.score(views, {prompt}).value();
    if (*whole.components.alignment >= score::kAlignmentFloor) {
      continue;
    }
    found = true;
    EXPECT_EQ(whole.views.quality.size(), 16U) << "all is judged when nobody says a floor";
    const Verdict quick = scorer.score(views, {prompt}, {{}, 0.0}).value();
    EXPECT_FALSE(quick.is_discarded) << "its score is known, and no score is below this floor";
    EXPECT_EQ(quick.value, 0);
    EXPECT_EQ(quick.components.alignment, whole.components.alignment);
    EXPECT_FALSE(quick.components.quality);
    EXPECT_TRUE(quick.views.ssim.empty());
    EXPECT_THAT(quick.line, HasSubstr("is below 0.3"));
  }
  EXPECT_TRUE(found) << "no prompt of the golden file is that far off";
}

TEST(Floor, ASceneIsDrawnOnlyAsFarAsItIsLookedAt) {
  Scorer scorer = Scorer::open(all_folders()).value();
  const splat::Scene scene = splat::activate(ball());
  const Verdict whole = scorer.score(scene, {"a ball"}).value();
  const Verdict reached = scorer.score(scene, {"a ball"}, {{}, 0.0}).value();
  EXPECT_NEAR(*reached.value, *whole.value, 1e-6);
  const Verdict stopped = scorer.score(scene, {"a ball"}, {{}, 5.0}).value();
  EXPECT_TRUE(stopped.is_discarded);
  EXPECT_LT(stopped.seconds.draw, whole.seconds.draw);
  EXPECT_EQ(stopped.seconds.quality, 0) << "not even full marks would do";
  Scorer data_only = Scorer::open({}).value();
  EXPECT_FALSE(data_only.score(scene, {"a ball"}, {{}, 0.99})->is_discarded);
}

TEST(Views, LastIsTheFirstAgain) {
  const auto views = draw_views(splat::activate(ball()), 1).value();
  ASSERT_EQ(views.size(), 16U);
  EXPECT_EQ(views[15].pixels, views[0].pixels);
  EXPECT_NE(views[14].pixels, views[0].pixels);
  EXPECT_EQ(views[0].width, 518);
}

TEST(Views, ShowNothingOfWhatFramingPutsBesideAndBehindEveryCamera) {
  splat::GaussianCloud aside = ball();
  for (glm::vec3& p : aside.positions) {
    p.x += 1000;  // framing takes the mean of all coordinates from each, so all go far off
  }
  for (const image::Image& view : draw_views(splat::activate(aside), 1).value()) {
    EXPECT_EQ(view.pixels, image::Image(kViewSide, kViewSide, 3, view.pixels[0]).pixels);
  }
  Scorer scorer = Scorer::open(only_clip("convnext")).value();
  EXPECT_TRUE(std::isfinite(*judge_cloud(scorer, aside).value));
}

TEST(Prompts, EmptyAndLongOnesAreNoted) {
  const std::vector<image::Image> views = golden_views();
  Scorer scorer = Scorer::open(only_clip("convnext")).value();
  for (const std::string_view blank : {"", "  \n\t"}) {
    const Verdict verdict = scorer.score(views, {blank}).value();
    ASSERT_EQ(verdict.notes.size(), 1U);
    EXPECT_THAT(verdict.notes[0], HasSubstr("prompt is empty"));
  }
  const std::string longest(10'000, 'x');
  const Verdict cut = scorer.score(views, {longest}).value();
  ASSERT_EQ(cut.notes.size(), 1U);
  EXPECT_THAT(cut.notes[0], HasSubstr("tokens were left out"));
  for (const std::string_view prompt : {"красный дракон", "赤いドラゴン", "🐉", "\xff\xfe"}) {
    EXPECT_TRUE(scorer.score(views, {prompt}).value().value) << prompt;
  }
}

void expect_refused(const ScorerFolders& folders, const std::string& text) {
  const auto scorer = Scorer::open(folders);
  ASSERT_FALSE(scorer) << text;
  EXPECT_THAT(scorer.error().context, HasSubstr(text));
}

TEST(Weights, MissingOrWrongOnesAreNamed) {
  ScorerFolders folders = all_folders();
  folders.clip = "/nowhere/clip";
  expect_refused(folders, "/nowhere/clip");
  folders = all_folders();
  folders.tokenizer.clear();
  expect_refused(folders, "convnext");
  folders = all_folders();
  folders.quality = snapshot("clip_b");
  expect_refused(folders, "quality_scorer.safetensors");
  folders = all_folders();
  folders.dinov2 = snapshot("clip_b");
  expect_refused(folders, "CLIPModel");
  folders = all_folders();
  folders.lpips = snapshot("dinov2");
  expect_refused(folders, "alexnet.safetensors");
  folders = all_folders();
  folders.lpips = snapshot("dinov2") / "model.safetensors";
  expect_refused(folders, "features.0.weight");
  folders = all_folders();
  folders.image_tower = snapshot("dinov2");
  expect_refused(folders, "Dinov2Model");
}

TEST(Weights, ATokenizerOfAnotherModelIsFoundOut) {
  ScorerFolders folders = only_clip("convnext");
  folders.tokenizer = std::filesystem::path(LODE_SOURCE_DIR) / "tests/golden/tokenize/clip";
  const auto scorer = Scorer::open(folders);
  if (scorer) {
    Scorer opened = Scorer::open(folders).value();
    const auto verdict = opened.score(golden_views(), {"a photo of a cat"});
    ASSERT_FALSE(verdict);
    EXPECT_THAT(verdict.error().context, HasSubstr("vocab_size"));
  }
}

}  // namespace
}  // namespace lode::scorer
