#include "pipeline/chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "image/codec.h"
#include "pipeline/registry.h"
#include "pipeline/sketch_internal.h"
#include "splat/ply.h"

namespace lode::pipeline {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

/// What the fakes were asked, in order, and what they answer.
struct Script {
  std::vector<std::string> asked;
  std::vector<std::uint64_t> paint_seeds;
  std::vector<double> alignments;  ///< of paintings, one after the other; then the last
  int empty_paintings = 0;         ///< the first so many have no subject
  Errc failure = Errc::internal;
  std::string fails;                  ///< the stage that fails
  std::stop_source* stops = nullptr;  ///< requested by the lifter, in the middle of its work
  bool lifter_needs_picture = true;
};

Result<void> act(Script& script, const std::string& stage) {
  script.asked.push_back(stage);
  if (script.fails == stage) {
    return fail(script.failure, "broken");
  }
  return {};
}

image::Image disc(std::uint8_t red) {
  image::Image picture(64, 64, 4);
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 64; ++x) {
      picture.at(x, y)[0] = red;
      picture.at(x, y)[3] = (x - 32) * (x - 32) + (y - 32) * (y - 32) < 24 * 24 ? 255 : 0;
    }
  }
  return picture;
}

/// Paints discs, the redder the later.
class FakePainter final : public Painter {
 public:
  explicit FakePainter(Script& script) : script_(script) {}
  std::string_view name() const override { return "brush"; }
  Result<Painting> paint(std::string_view prompt, const StageContext& context) override {
    LODE_CHECK(act(script_, "paint " + std::string(prompt)));
    script_.paint_seeds.push_back(context.seed);
    if (context.progress) {
      context.progress({.stage = "paint", .step = 1, .of = 1});
    }
    return Painting{disc(static_cast<std::uint8_t>(10 * script_.paint_seeds.size())), {"painted"}};
  }

 private:
  Script& script_;
};

class FakeCutter final : public Cutter {
 public:
  explicit FakeCutter(Script& script) : script_(script) {}
  std::string_view name() const override { return "scissors"; }
  Result<cutout::Cutout> cut(const image::Image& picture, const StageContext&) override {
    LODE_CHECK(act(script_, "cutout"));
    if (script_.empty_paintings-- > 0) {
      return fail(Errc::invalid_input, "nothing there");
    }
    cutout::Cutout cutout;
    cutout.picture = picture;
    cutout.report.reason = "by hand";
    return cutout;
  }

 private:
  Script& script_;
};

class FakeLifter final : public Lifter {
 public:
  explicit FakeLifter(Script& script) : script_(script) {}
  std::string_view name() const override { return "crane"; }
  bool needs_picture() const override { return script_.lifter_needs_picture; }
  Result<Lifted> lift(const dream::Subject& subject, const StageContext& context) override {
    LODE_CHECK(act(script_, "lift"));
    subject_ = subject;
    if (script_.stops != nullptr) {
      script_.stops->request_stop();
    }
    if (context.stop.stop_requested()) {
      return fail(Errc::cancelled, "stopped in the middle");
    }
    return Lifted{sketch::build(scene_of("a red mug"), context.seed, {.gaussians = 10'000}), {}};
  }
  dream::Subject subject_;

 private:
  Script& script_;
};

class FakeCritic final : public Critic {
 public:
  explicit FakeCritic(Script& script) : script_(script) {}
  std::string_view name() const override { return "critic"; }
  Result<Judgement> judge_text(const splat::Scene&, std::string_view,
                               const JudgeOptions&) override {
    LODE_CHECK(act(script_, "score text"));
    return Judgement{.score = 0.75, .reason = "fine"};
  }
  Result<Judgement> judge_image(const splat::Scene&, const image::Image&,
                                const JudgeOptions&) override {
    LODE_CHECK(act(script_, "score image"));
    return Judgement{.score = 0.5, .reason = "like it"};
  }
  Result<std::optional<double>> judge_painting(const image::Image&, std::string_view,
                                               const std::stop_token&) override {
    LODE_CHECK(act(script_, "like"));
    if (script_.alignments.empty()) {
      return std::optional<double>();
    }
    const double alignment = script_.alignments.front();
    if (script_.alignments.size() > 1) {
      script_.alignments.erase(script_.alignments.begin());
    }
    return std::optional(alignment);
  }

 private:
  Script& script_;
};

class ChainTest : public testing::Test {
 protected:
  ChainStages stages() {
    lifter_ = std::make_shared<FakeLifter>(script_);
    return {std::make_shared<FakePainter>(script_), std::make_shared<FakeCutter>(script_), lifter_,
            nullptr, std::make_shared<FakeCritic>(script_)};
  }
  ChainBackend chain(const ChainOptions& options = {}) {
    return {stages(), options, std::make_shared<StageKeeper>()};
  }
  static Request text(std::uint64_t seed = 7) { return {Request::Kind::text, "a mug", {}, seed}; }
  static Request picture() { return {Request::Kind::image, "", *image::encode_png(disc(99)), 7}; }

  Script script_;
  std::shared_ptr<FakeLifter> lifter_;
};

TEST_F(ChainTest, TakesATextThroughEveryStageInOrder) {
  ChainBackend backend = chain({.judges_result = true, .preview_side = 64});
  std::vector<std::string> told;
  const auto asset =
      backend.generate(text(), {}, [&](const StageProgress& now) { told.emplace_back(now.stage); });
  ASSERT_TRUE(asset) << asset.error().message();
  EXPECT_THAT(script_.asked, ElementsAre("paint a mug", "like", "cutout", "lift", "score text"));
  EXPECT_THAT(told, ElementsAre("paint"));
  EXPECT_EQ(lifter_->subject_.prompt, "a mug");
  EXPECT_EQ(backend.description(), "brush, scissors, crane; critic: critic");
}

TEST_F(ChainTest, KeepsWhatWasMadeOnTheWay) {
  ChainBackend backend = chain({.judges_result = true, .preview_side = 64});
  const auto asset = backend.generate(text(), {});
  ASSERT_TRUE(asset) << asset.error().message();
  EXPECT_EQ(asset->picture.at(32, 32)[0], 10);
  EXPECT_EQ(asset->cutout.pixels, asset->picture.pixels);
  EXPECT_EQ(asset->preview.width, 2 * 64 + 2);
  EXPECT_EQ(asset->judgement->score, 0.75);
  EXPECT_EQ(asset->prepared->spz, prepare(asset->cloud, 7)->spz);
  EXPECT_THAT(asset->notes, ElementsAre("painted", "cut out: by hand"));
  std::vector<std::string> stages;
  for (const StageTime& time : asset->stages) {
    stages.push_back(time.stage);
  }
  EXPECT_THAT(stages, ElementsAre("wait", "paint", "judge painting", "cutout", "lift", "prepare",
                                  "draw", "score"));
}

TEST_F(ChainTest, GivesEveryStageASeedOfItsOwn) {
  ChainBackend backend = chain();
  const auto a = backend.generate(text(7), {});
  const auto b = backend.generate(text(7), {});
  const auto c = backend.generate(text(8), {});
  ASSERT_TRUE(a && b && c);
  EXPECT_EQ(splat::encode_ply(a->cloud), splat::encode_ply(b->cloud));
  EXPECT_NE(splat::encode_ply(a->cloud), splat::encode_ply(c->cloud));
  std::map<std::uint64_t, std::string> seeds;
  for (const StageSeed& seed : a->seeds) {
    seeds[seed.seed] = seed.stage;
  }
  EXPECT_EQ(seeds.size(), 3U) << "paint, cutout and lift";
  EXPECT_EQ(script_.paint_seeds[0], a->seeds[0].seed);
}

TEST_F(ChainTest, TakesAPicturePastThePainter) {
  ChainBackend backend = chain({.judges_result = true});
  const auto asset = backend.generate(picture(), {});
  ASSERT_TRUE(asset) << asset.error().message();
  EXPECT_THAT(script_.asked, ElementsAre("cutout", "lift", "score image"));
  EXPECT_EQ(asset->paintings, 0);
  EXPECT_EQ(lifter_->subject_.prompt, "");
  EXPECT_EQ(lifter_->subject_.picture.at(32, 32)[0], 99);
}

TEST_F(ChainTest, TakesAPromptStraightToALifterThatNeedsNoPicture) {
  script_.lifter_needs_picture = false;
  ChainBackend backend = chain();
  ASSERT_TRUE(backend.generate(text(), {}));
  EXPECT_THAT(script_.asked, ElementsAre("lift"));
  const auto refused = backend.generate(picture(), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unsupported);
  EXPECT_THAT(refused.error().context, HasSubstr("crane"));
}

TEST_F(ChainTest, PrefersTheTextLifterForPromptsAlone) {
  Script other;
  other.lifter_needs_picture = false;
  ChainStages both = stages();
  both.text_lifter = std::make_shared<FakeLifter>(other);
  ChainBackend backend(both, {}, std::make_shared<StageKeeper>());
  ASSERT_TRUE(backend.generate(text(), {}));
  EXPECT_THAT(other.asked, ElementsAre("lift"));
  ASSERT_TRUE(backend.generate(picture(), {}));
  EXPECT_THAT(script_.asked, ElementsAre("cutout", "lift"));
}

TEST_F(ChainTest, PaintsAgainWhileThePictureIsHopeless) {
  script_.alignments = {0.1, 0.2, 0.6};
  ChainBackend backend = chain();
  const auto asset = backend.generate(text(), {});
  ASSERT_TRUE(asset);
  EXPECT_EQ(asset->paintings, 3);
  EXPECT_EQ(asset->picture.at(32, 32)[0], 30);
  EXPECT_NE(script_.paint_seeds[0], script_.paint_seeds[1]);
  EXPECT_NE(script_.paint_seeds[1], script_.paint_seeds[2]);
}

TEST_F(ChainTest, GoesOnWithTheBestOfPicturesThatAreAllHopeless) {
  script_.alignments = {0.1, 0.25, 0.2};
  ChainBackend backend = chain({.most_paintings = 3});
  const auto asset = backend.generate(text(), {});
  ASSERT_TRUE(asset);
  EXPECT_EQ(asset->paintings, 3);
  EXPECT_EQ(asset->picture.at(32, 32)[0], 20);
}

TEST_F(ChainTest, GoesOnWhenTheCriticFailsAtAPicture) {
  script_.fails = "like";
  ChainBackend backend = chain();
  const auto asset = backend.generate(text(), {});
  ASSERT_TRUE(asset);
  EXPECT_THAT(asset->notes[1], AllOf(HasSubstr("critic"), HasSubstr("broken")));
}

TEST_F(ChainTest, PaintsOnceMoreWhenNothingCanBeCutOutAndThenGivesUp) {
  script_.empty_paintings = 1;
  ChainBackend backend = chain();
  const auto asset = backend.generate(text(), {});
  ASSERT_TRUE(asset) << asset.error().message();
  EXPECT_EQ(asset->paintings, 2);
  script_.empty_paintings = 2;
  script_.asked.clear();
  const auto refused = backend.generate(text(), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::invalid_input);
  EXPECT_THAT(refused.error().context, HasSubstr("cutter 'scissors': nothing there"));
  EXPECT_THAT(script_.asked,
              ElementsAre("paint a mug", "like", "cutout", "paint a mug", "like", "cutout"));
}

TEST_F(ChainTest, NeverPaintsInPlaceOfAPictureWithoutASubject) {
  script_.empty_paintings = 1;
  ChainBackend backend = chain();
  EXPECT_EQ(backend.generate(picture(), {}).error().code, Errc::invalid_input);
  EXPECT_THAT(script_.asked, ElementsAre("cutout"));
}

TEST_F(ChainTest, NamesTheStageThatFailed) {
  const std::map<std::string, std::string> kNames = {{"paint a mug", "painter 'brush'"},
                                                     {"cutout", "cutter 'scissors'"},
                                                     {"lift", "lifter 'crane'"},
                                                     {"score text", "critic 'critic'"}};
  for (const auto& [stage, name] : kNames) {
    script_ = {};
    script_.fails = stage;
    script_.failure = Errc::out_of_resource;
    ChainBackend backend = chain({.judges_result = true});
    const auto asset = backend.generate(text(), {});
    ASSERT_FALSE(asset) << stage;
    EXPECT_EQ(asset.error().code, Errc::out_of_resource);
    EXPECT_THAT(asset.error().context, HasSubstr(name + ": broken"));
  }
}

TEST_F(ChainTest, StopsInTheMiddleOfAStageAndBetweenStages) {
  std::stop_source stop;
  script_.stops = &stop;
  ChainBackend backend = chain({.judges_result = true});
  EXPECT_EQ(backend.generate(text(), stop.get_token()).error().code, Errc::cancelled);
  EXPECT_EQ(script_.asked.back(), "lift");
  script_.asked.clear();
  EXPECT_EQ(backend.generate(text(), stop.get_token()).error().code, Errc::cancelled);
  EXPECT_TRUE(script_.asked.empty());
}

TEST_F(ChainTest, RefusesWhatItLacksAStageForAndSaysWhich) {
  ChainStages no_painter = stages();
  no_painter.painter = nullptr;
  ChainBackend blind(no_painter, {}, std::make_shared<StageKeeper>());
  EXPECT_THAT(blind.generate(text(), {}).error().context, HasSubstr("no painter"));
  ChainStages no_cutter = stages();
  no_cutter.cutter = nullptr;
  ChainBackend blunt(no_cutter, {}, std::make_shared<StageKeeper>());
  EXPECT_THAT(blunt.generate(picture(), {}).error().context, HasSubstr("no cutter"));
}

TEST_F(ChainTest, RefusesAnEmptyPromptBeforeAnyStageRuns) {
  ChainBackend backend = chain();
  EXPECT_EQ(backend.generate({Request::Kind::text, " ", {}, 1}, {}).error().code,
            Errc::invalid_input);
  EXPECT_TRUE(script_.asked.empty());
}

TEST(WeightlessChain, MakesASplatOfAPromptByWayOfAPicture) {
  const auto backend = *make_backend("chain");
  const Request request{Request::Kind::text, "a red mug", {}, 3};
  const auto a = backend->generate(request, {});
  const auto b = backend->generate(request, {});
  ASSERT_TRUE(a && b) << a.error().message();
  EXPECT_EQ(splat::encode_ply(a->cloud), splat::encode_ply(b->cloud));
  EXPECT_GE(a->cloud.size(), 7000U);
  EXPECT_EQ(a->cutout.channels, 4);
  EXPECT_EQ(a->cutout.width, a->cutout.height);
  ASSERT_TRUE(prepare(a->cloud, 3));
}

TEST(StageRegistry, ListsKnownNamesWhenANameIsUnknown) {
  const StageRegistry registry = weightless_stages();
  const auto unknown = open_stages(registry, {.painter = "dall-e"});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Errc::not_found);
  EXPECT_EQ(unknown.error().context, "painter 'dall-e': known are: sketch");
  EXPECT_THAT(open_stages(registry, {.lifter = ""}).error().context, HasSubstr("sketch"));
}

TEST(StageRegistry, NamesTheStageThatDoesNotOpen) {
  StageRegistry registry = weightless_stages();
  registry.lifters.add("crane", []() -> Result<std::unique_ptr<Lifter>> {
    return fail(Errc::not_found, "no rope");
  });
  EXPECT_EQ(open_stages(registry, {.lifter = "crane"}).error().context, "lifter 'crane': no rope");
}

TEST(StageRegistry, OpensNoPainterWherePromptsNeedNoPicture) {
  static Script script;
  script.lifter_needs_picture = false;
  StageRegistry registry = weightless_stages();
  registry.lifters.add("crane", [] {
    return Result<std::unique_ptr<Lifter>>(std::make_unique<FakeLifter>(script));
  });
  const auto stages = open_stages(registry, {.painter = "not there", .lifter = "crane"});
  ASSERT_TRUE(stages) << stages.error().message();
  EXPECT_FALSE(stages->painter || stages->cutter);
}

}  // namespace
}  // namespace lode::pipeline
