#include "dream/optimiser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "dream/dream.h"
#include "dream/gradient_internal.h"
#include "dream/health_internal.h"
#include "dream/test_objects.h"
#include "fit/fit.h"

namespace lode::dream {
namespace {

using test::are_equal;
using test::knobbed_ball;
using test::Meddler;
using test::small_preset;
using testing::Contains;
using testing::HasSubstr;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// An object, a picture of it, and an oracle that knows it.
struct Setting {
  ThreadPool pool{1};
  splat::GaussianCloud truth = knobbed_ball();
  Subject subject = oracle_subject(truth, {.elevation_deg = 0, .radius = 2}, pool);
  Oracle oracle{truth, {}, 1, pool};
  DreamOptions options;

  Setting() {
    options.optimiser.seed = 5;
    options.finish.least = 0;
  }

  Outcome run(const Preset& preset, Guidance* guidance) {
    auto outcome = dream(subject, preset, guidance, options, pool);
    EXPECT_TRUE(outcome) << outcome.error().message();
    return outcome ? *std::move(outcome) : Outcome{};
  }
  std::string failure(const Preset& preset, Guidance* guidance) {
    const auto outcome = dream(subject, preset, guidance, options, pool);
    return outcome ? std::string("no error") : outcome.error().message();
  }
  /// The cloud after the first steps of a preset's: below 0.3 of its progress views are small.
  splat::GaussianCloud first_steps(const Preset& preset, Guidance* guidance, int steps) {
    auto optimiser = Optimiser::begin(subject, preset, guidance, options.optimiser, pool);
    EXPECT_TRUE(optimiser) << optimiser.error().message();
    for (int k = 0; k < steps; ++k) {
      const auto step = optimiser->step({});
      EXPECT_TRUE(step) << step.error().message();
    }
    return optimiser->cloud();
  }
  double unseen_db(const splat::GaussianCloud& cloud) {
    const fit::Dataset unseen = fit::make_dataset(
        splat::activate(truth), fit::dataset_cameras(6, {.radius = 2, .size = 96}));
    std::vector<std::size_t> views(6);
    std::iota(views.begin(), views.end(), std::size_t{0});
    return fit::measure(cloud, unseen, views, glm::vec3(1), pool).psnr_db;
  }
};

TEST(Optimiser, MakesTheObjectFromAPictureAndItsGuidance) {
  Setting setting;
  const Outcome outcome = setting.run(small_preset(90), &setting.oracle);
  EXPECT_GT(setting.unseen_db(outcome.cloud), 18);
  EXPECT_LT(outcome.report.known_loss, 0.012);
  EXPECT_EQ(outcome.report.steps, 90);
  EXPECT_GT(outcome.report.cloned + outcome.report.split, 0U);
  EXPECT_EQ(outcome.report.dropped_steps, 0);
  EXPECT_EQ(outcome.report.restarts, 0);
}

TEST(Optimiser, MakesTheObjectFromAPromptWithFourViewsTogether) {
  Setting setting;
  setting.subject = {.prompt = "a ball with a knob"};
  Oracle four(setting.truth, {.views_together = 4}, 1, setting.pool);
  Preset preset = small_preset(250);
  EXPECT_GT(setting.unseen_db(setting.first_steps(preset, &four, 70)), 19);
  preset.batch_size = 2;
  EXPECT_GT(setting.unseen_db(setting.first_steps(preset, &four, 70)), 19);
}

TEST(Optimiser, WithoutGuidanceFitsThePictureAlone) {
  Setting setting;
  const Outcome outcome = setting.run(small_preset(80), nullptr);
  EXPECT_LT(outcome.report.known_loss, 0.005);
  setting.subject = {.prompt = "a ball"};
  EXPECT_THAT(setting.failure(small_preset(80), nullptr), HasSubstr("a guidance was expected"));
}

TEST(Optimiser, GivesTheSameBytesForAnyNumberOfThreads) {
  std::vector<splat::GaussianCloud> clouds;
  for (const int threads : {1, 2, 5}) {
    Setting setting;
    ThreadPool pool(threads);
    Oracle oracle(setting.truth, {.noise = 0.5}, 3, pool);
    const auto outcome = dream(setting.subject, small_preset(60), &oracle, setting.options, pool);
    ASSERT_TRUE(outcome);
    clouds.push_back(outcome->cloud);
  }
  EXPECT_TRUE(are_equal(clouds[0], clouds[1]));
  EXPECT_TRUE(are_equal(clouds[0], clouds[2]));
}

TEST(Optimiser, TheSeedDecides) {
  Setting setting;
  const splat::GaussianCloud first = setting.run(small_preset(20), &setting.oracle).cloud;
  EXPECT_TRUE(are_equal(first, setting.run(small_preset(20), &setting.oracle).cloud));
  setting.options.optimiser.seed = 6;
  EXPECT_FALSE(are_equal(first, setting.run(small_preset(20), &setting.oracle).cloud));
}

TEST(Optimiser, DropsStepsThatAreNotFiniteWithoutATrace) {
  // The start is the same, and steps 1 to 5 are dropped: a first good step follows as if alone.
  Setting setting;
  Meddler broken(setting.oracle,
                 [](Result<double> loss, const GuidanceStep& step,
                    std::span<std::vector<float>> gradients) -> Result<double> {
                   if (step.number == 1) {
                     gradients[0][100] = kNaN;
                   } else if (step.number == 2) {
                     gradients[0][100] = std::numeric_limits<float>::infinity();
                   } else if (step.number == 3) {
                     return std::nan("");
                   } else if (step.number <= 5) {
                     std::fill(gradients[0].begin(), gradients[0].end(), 1e30F);
                   }
                   return loss;
                 });
  auto optimiser = Optimiser::begin(setting.subject, small_preset(200), &broken,
                                    setting.options.optimiser, setting.pool);
  ASSERT_TRUE(optimiser);
  const splat::GaussianCloud start = optimiser->cloud();
  for (int k = 1; k <= 5; ++k) {
    const auto step = optimiser->step({});
    ASSERT_TRUE(step) << step.error().message();
    EXPECT_TRUE(step->is_dropped) << k;
    EXPECT_TRUE(are_equal(optimiser->cloud(), start)) << k;
  }
  for (int k = 6; k <= 40; ++k) {
    ASSERT_TRUE(optimiser->step({}));
  }
  EXPECT_EQ(optimiser->report().dropped_steps, 5);
  EXPECT_TRUE(is_sound(optimiser->cloud()));
}

TEST(Optimiser, EndsWithAnErrorWhenEveryStepIsDropped) {
  Setting setting;
  Meddler broken(setting.oracle,
                 [](const Result<double>&, const GuidanceStep&,
                    std::span<std::vector<float>>) -> Result<double> { return std::nan(""); });
  EXPECT_THAT(setting.failure(small_preset(200), &broken), HasSubstr("50 steps in a row"));
}

TEST(Optimiser, GoesBackToTheBestCloudWhenItGoesAstray) {
  Setting setting;
  // From step 60 the guidance pulls everything to black, far stronger than the picture pulls back.
  int until = 130;
  Meddler mad(setting.oracle, [&](Result<double> loss, const GuidanceStep& step,
                                  std::span<std::vector<float>> gradients) {
    if (step.number >= 60 && step.number < until) {
      std::fill(gradients[0].begin(), gradients[0].end(), 100.0F);
    }
    return loss;
  });
  Preset preset = small_preset(1000);  // of which the first ones are made
  preset.warmup_rgb_loss = false;
  auto optimiser =
      Optimiser::begin(setting.subject, preset, &mad, setting.options.optimiser, setting.pool);
  ASSERT_TRUE(optimiser);
  double worst = 0;
  for (int k = 0; k < 220; ++k) {
    const auto step = optimiser->step({});
    ASSERT_TRUE(step) << step.error().message();
    worst = std::max(worst, optimiser->report().known_loss);
  }
  EXPECT_EQ(optimiser->report().restarts, 1);
  EXPECT_THAT(optimiser->report().notes, Contains(HasSubstr("went back to the best cloud")));
  EXPECT_LT(optimiser->report().known_loss, worst / 10);

  until = 1'000'000;
  setting.options.optimiser.max_restarts = 1;
  EXPECT_THAT(setting.failure(preset, &mad), HasSubstr("went astray 2 times"));
}

TEST(Optimiser, PassesOnTheGuidancesErrorsAndStops) {
  Setting setting;
  Meddler failing(setting.oracle,
                  [](const Result<double>&, const GuidanceStep&,
                     std::span<std::vector<float>>) -> Result<double> {
                    return fail(Errc::out_of_resource, "the device is full");
                  });
  EXPECT_THAT(setting.failure(small_preset(10), &failing), HasSubstr("the device is full"));
  std::stop_source source;
  setting.options.stop = source.get_token();
  setting.options.progress = [&](const Progress& progress) {
    if (progress.step.number == 3) {
      source.request_stop();
    }
  };
  const auto stopped =
      dream(setting.subject, small_preset(10), &setting.oracle, setting.options, setting.pool);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Errc::cancelled);
}

TEST(Optimiser, ReportsLackOfMemoryAsAnError) {
  Setting setting;
  Meddler greedy(setting.oracle,
                 [](const Result<double>&, const GuidanceStep&,
                    std::span<std::vector<float>>) -> Result<double> { throw std::bad_alloc(); });
  const auto outcome =
      dream(setting.subject, small_preset(10), &greedy, setting.options, setting.pool);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::out_of_resource);
}

TEST(Optimiser, NeverGrowsBeyondItsBound) {
  Setting setting;
  setting.options.optimiser.max_gaussians = 450;
  Preset preset = small_preset(25);
  preset.densify_grad_threshold = 0;
  std::size_t most = 0;
  setting.options.progress = [&](const Progress& progress) {
    most = std::max(most, progress.step.gaussians);
  };
  setting.run(preset, &setting.oracle);
  EXPECT_GT(most, 400U);
  EXPECT_LE(most, 450U);
}

TEST(Optimiser, EndsWithItsBudgetWhateverStepsCost) {
  Setting setting;
  Rng rng(2);
  for (int round = 0; round < 3; ++round) {
    ManualClock clock(from_unix_seconds(1000));
    double dearest = 0;
    Meddler slow(setting.oracle,
                 [&](Result<double> loss, const GuidanceStep&, std::span<std::vector<float>>) {
                   const double seconds = rng.uniform(0.2, 2);
                   dearest = std::max(dearest, seconds);
                   clock.advance(from_seconds(seconds));
                   return loss;
                 });
    const double budget = rng.uniform(0.5, 15);
    setting.options.optimiser.clock = &clock;
    setting.options.optimiser.budget = {budget};
    setting.options.with_finish = round % 2 == 0;
    const Outcome outcome = setting.run(small_preset(400), &slow);
    EXPECT_LE(to_seconds(clock.now() - from_unix_seconds(1000)), budget + dearest);
    EXPECT_GT(outcome.cloud.size(), 0U);
    EXPECT_THAT(outcome.report.notes, Contains(HasSubstr("of 400 steps")));
    EXPECT_NEAR(outcome.report.seconds.guidance, to_seconds(clock.now() - from_unix_seconds(1000)),
                1e-6);
  }
}

TEST(Optimiser, ACompressedScheduleReachesFullSizeAndSkipsAFatalReset) {
  Setting setting;
  ManualClock clock(from_unix_seconds(0));
  int largest = 0;
  Oracle oracle(setting.truth, {}, 1, setting.pool);
  Meddler slow(oracle, [&](Result<double> loss, const GuidanceStep&,
                           std::span<std::vector<float>> gradients) {
    largest = std::max(largest, static_cast<int>(std::sqrt(gradients[0].size() / 3)));
    clock.advance(from_seconds(1));
    return loss;
  });
  setting.options.optimiser.clock = &clock;
  setting.options.optimiser.budget = {40};
  Preset preset = small_preset(1000);
  preset.opacity_reset_interval = 700;
  const Outcome outcome = setting.run(preset, &slow);
  EXPECT_EQ(outcome.report.steps, 40);
  EXPECT_EQ(largest, 512);
  EXPECT_EQ(outcome.report.skipped_resets, 1);
  EXPECT_LE(outcome.cloud.size(), 400U * 16);  // at most doubled every ten steps
}

TEST(Optimiser, ShowsPreviewsAtIntervals) {
  Setting setting;
  setting.options.preview_interval = 4;
  setting.options.preview_size = 32;
  int shown = 0;
  setting.options.progress = [&](const Progress& progress) {
    EXPECT_EQ(progress.preview != nullptr, progress.step.number % 4 == 0);
    shown += progress.preview != nullptr && progress.preview->width == 64 ? 1 : 0;
    EXPECT_EQ(progress.step.of, 10);
  };
  setting.run(small_preset(10), &setting.oracle);
  EXPECT_EQ(shown, 2);
}

TEST(Optimiser, SaysWhenTheSubjectReachesTheBorder) {
  Setting setting;
  for (int y = 200; y < 300; ++y) {
    setting.subject.picture.at(0, y)[3] = 255;
  }
  EXPECT_THAT(setting.run(small_preset(3), &setting.oracle).report.notes,
              Contains(HasSubstr("border")));
}

TEST(Optimiser, BearsColoursThatDependOnTheDirection) {
  Setting setting;
  Preset preset = small_preset(30);
  preset.sh_degree = 1;
  const Outcome outcome = setting.run(preset, &setting.oracle);
  EXPECT_EQ(outcome.cloud.sh_rest.size(), outcome.cloud.size() * 9);
  EXPECT_TRUE(is_sound(outcome.cloud));
}

TEST(Gradient, LeavesNothingThatLeadsFartherOut) {
  const std::vector<float> values = {1.5F, 1.5F, -0.5F, -0.5F, 0.5F};
  std::vector<float> gradient = {-1, 1, 1, -1, 3};
  weigh_inside(values, 2, gradient);
  EXPECT_EQ(gradient, (std::vector<float>{0, 2, 0, -2, 6}));
}

TEST(Health, CallsUnsoundWhatIsNotFiniteOrHuge) {
  splat::GaussianCloud cloud = knobbed_ball(100);
  EXPECT_TRUE(is_sound(cloud));
  for (const float bad : {kNaN, std::numeric_limits<float>::infinity(), 1e9F}) {
    cloud.log_scales[7].y = bad;
    EXPECT_FALSE(is_sound(cloud));
    EXPECT_TRUE(is_sound(cloud, 6));
  }
  cloud.log_scales[7].y = 0;
  cloud.rotations[3] = glm::quat(0, 0, 0, 0);
  EXPECT_FALSE(is_sound(cloud));
}

TEST(Health, ForgivesABadLossAfterAnOpacityReset) {
  const splat::GaussianCloud cloud = knobbed_ball(100);
  Health health(cloud);
  for (int step = 1; step <= 20; ++step) {
    EXPECT_TRUE(health.observe(step, cloud, 0.01));
  }
  health.excuse(20, 100);
  for (int step = 21; step <= 120; ++step) {
    EXPECT_TRUE(health.observe(step, cloud, 0.5));
  }
  for (int step = 121; step <= 131; ++step) {
    EXPECT_TRUE(health.observe(step, cloud, 0.01));
  }
  EXPECT_TRUE(health.is_best_better(0.5));
  bool is_well = true;
  for (int step = 132; step <= 200; ++step) {
    is_well = is_well && health.observe(step, cloud, 0.5);
  }
  EXPECT_FALSE(is_well);
}

}  // namespace
}  // namespace lode::dream
