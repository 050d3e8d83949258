#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dream/optimiser.h"
#include "dream/oracle.h"
#include "dream/oracle_sampler.h"
#include "pipeline/chain.h"
#include "pipeline/dream_lifter.h"
#include "pipeline/registry.h"
#include "pipeline/sketch_internal.h"
#include "pipeline/views_lifter.h"
#include "splat/ply.h"

namespace lode::pipeline {
namespace {

using testing::HasSubstr;

const splat::GaussianCloud& mug() {
  static const splat::GaussianCloud kMug =
      sketch::build(scene_of("a red mug"), 3, {.gaussians = 10'000});
  return kMug;
}

dream::Preset few_steps(int steps) {
  dream::Preset preset = *dream::find_preset("image");
  preset.iters = steps;
  preset.num_pts = 800;
  preset.ref_size = 64;
  return preset;
}

dream::Subject mug_subject() {
  ThreadPool alone(1);
  render::Orbit orbit = dream::known_orbit({}, few_steps(1));
  orbit.size = 128;
  return dream::oracle_subject(mug(), orbit, alone);
}

/// Counts how often it is opened.
DreamParts oracle_parts(int steps, int& opened) {
  DreamParts parts;
  parts.weight_bytes = 1000;
  parts.preset = few_steps(steps);
  parts.open = [&opened]() -> Result<std::unique_ptr<dream::GuidanceModel>> {
    ++opened;
    return make_oracle_model(mug(), 0, 1);
  };
  return parts;
}

TEST(DreamLifter, GivesTheSameSplatForTheSameSeedAfterItsWeightsWereDropped) {
  int opened = 0;
  const auto lifter = *make_dream_lifter(oracle_parts(4, opened));
  const auto a = lifter->lift(mug_subject(), {.seed = 1});
  lifter->release();
  const auto b = lifter->lift(mug_subject(), {.seed = 1});
  const auto c = lifter->lift(mug_subject(), {.seed = 2});
  ASSERT_TRUE(a && b && c) << a.error().message();
  EXPECT_EQ(opened, 2);
  EXPECT_EQ(splat::encode_ply(a->cloud), splat::encode_ply(b->cloud));
  EXPECT_NE(splat::encode_ply(a->cloud), splat::encode_ply(c->cloud));
  EXPECT_THAT(a->notes.back(), HasSubstr("4 steps of preset image"));
}

TEST(DreamLifter, TellsEveryStepAndDrawsOnlyForThoseWhoLook) {
  int opened = 0;
  const auto lifter = *make_dream_lifter(oracle_parts(6, opened));
  for (const bool wants : {false, true}) {
    std::vector<int> steps;
    int previews = 0;
    const StageContext context{.seed = 1,
                               .progress =
                                   [&](const StageProgress& now) {
                                     steps.push_back(now.step);
                                     previews += now.preview != nullptr ? 1 : 0;
                                     EXPECT_TRUE(now.loss && now.gaussians > 0);
                                   },
                               .wants_previews = wants};
    ASSERT_TRUE(lifter->lift(mug_subject(), context));
    EXPECT_THAT(steps, testing::ElementsAre(1, 2, 3, 4, 5, 6));
    EXPECT_EQ(previews > 0, wants);
  }
}

TEST(DreamLifter, StopsBetweenSteps) {
  int opened = 0;
  const auto lifter = *make_dream_lifter(oracle_parts(400, opened));
  std::stop_source stop;
  const StageContext context{.stop = stop.get_token(), .progress = [&](const StageProgress& now) {
                               if (now.step == 2) {
                                 stop.request_stop();
                               }
                             }};
  const auto lifted = lifter->lift(mug_subject(), context);
  ASSERT_FALSE(lifted);
  EXPECT_EQ(lifted.error().code, Errc::cancelled);
}

TEST(DreamLifter, DoesNotOpenWithoutItsModel) {
  DreamParts parts;
  parts.open = []() -> Result<std::unique_ptr<dream::GuidanceModel>> {
    return fail(Errc::not_found, "no such folder");
  };
  EXPECT_EQ(make_dream_lifter(std::move(parts)).error().context, "no such folder");
}

TEST(ViewsLifter, FitsWhatTheSamplerDrawsAndRefinesItWhereAsked) {
  for (const bool refines : {false, true}) {
    ViewsParts parts;
    parts.open = [] {
      return Result(ViewModels{dream::oracle_sampler(mug(), dream::four_orbits(96), {}),
                               make_oracle_model(mug(), 0, 1)});
    };
    parts.is_refined = refines;
    parts.refining = few_steps(60);  // refinement takes the second half of a fifth
    const auto lifter = *make_views_lifter(std::move(parts));
    EXPECT_FALSE(lifter->needs_picture());
    std::vector<std::string> told;
    int previews = 0;
    const StageContext context{.seed = 1,
                               .progress =
                                   [&](const StageProgress& now) {
                                     previews += now.preview != nullptr ? 1 : 0;
                                     if (told.empty() || told.back() != now.stage) {
                                       told.emplace_back(now.stage);
                                     }
                                   },
                               .wants_previews = true};
    const auto lifted = lifter->lift({.prompt = "a red mug"}, context);
    ASSERT_TRUE(lifted) << lifted.error().message();
    EXPECT_GE(lifted->cloud.size(), 7000U);
    EXPECT_EQ(told, refines ? std::vector<std::string>({"sample", "fit", "refine"})
                            : std::vector<std::string>({"sample", "fit"}));
    EXPECT_EQ(previews > 0, refines);
    EXPECT_TRUE(prepare(lifted->cloud, 1));
  }
}

/// Draws nothing but ground.
class BlankSampler final : public dream::ViewSampler {
 public:
  std::string_view name() const override { return "blank"; }
  bool needs_picture() const override { return false; }
  Result<std::vector<dream::SampledView>> sample(const dream::Subject&, std::uint64_t,
                                                 const std::function<void(int, int)>&,
                                                 const std::stop_token&) override {
    std::vector<dream::SampledView> views;
    for (const render::Orbit& orbit : dream::four_orbits(64)) {
      views.push_back({orbit, image::Image(orbit.size, orbit.size, 3, 255)});
    }
    return views;
  }
};

TEST(ViewsLifter, DistilsAloneWhereTheViewsShowNothing) {
  for (const bool refines : {true, false}) {
    ViewsParts parts;
    parts.is_refined = refines;
    parts.refining = few_steps(6);
    parts.open = [] {
      return Result(ViewModels{std::make_shared<BlankSampler>(), make_oracle_model(mug(), 0, 1)});
    };
    const auto lifter = *make_views_lifter(std::move(parts));
    const auto lifted = lifter->lift(mug_subject(), {.seed = 1});
    ASSERT_EQ(lifted.has_value(), refines);
    if (refines) {
      EXPECT_THAT(lifted->notes.back(), testing::HasSubstr("score distillation did it alone"));
    } else {
      EXPECT_EQ(lifted.error().code, Errc::invalid_input);
    }
  }
}

}  // namespace
}  // namespace lode::pipeline
