#include "dream/multiview.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "dream/oracle.h"
#include "dream/oracle_sampler.h"
#include "dream/test_objects.h"
#include "fit/fit.h"
#include "splat/ply.h"

namespace lode::dream {
namespace {

constexpr int kSize = 64;

std::vector<SampledView> sampled(const Inconsistency& inconsistency, std::uint64_t seed = 1) {
  return *oracle_sampler(test::banded_egg(), four_orbits(kSize), inconsistency)
              ->sample({}, seed, {}, {});
}

Subject pictured() {
  ThreadPool pool(1);
  Subject subject = oracle_subject(test::banded_egg(), four_orbits(kSize).front(), pool);
  subject.elevation_deg = -15;
  return subject;
}

ViewFitOptions small(int steps = 40) {
  ViewFitOptions options;
  options.steps = steps;
  options.shell = {.gaussians = 1500, .grid = 48};
  return options;
}

fit::Quality unseen(const splat::GaussianCloud& cloud, ThreadPool& pool) {
  const auto dataset =
      fit::make_dataset(splat::activate(test::banded_egg()), render::validator_cameras(kSize));
  std::vector<std::size_t> views(dataset.views.size());
  std::iota(views.begin(), views.end(), 0U);
  return fit::measure(cloud, dataset, views, glm::vec3(1), pool);
}

/// Every look at it costs a random time.
class TickingClock final : public Clock {
 public:
  explicit TickingClock(std::uint64_t seed) : rng_(seed) {}
  Time now() const override {
    seconds_ += rng_.uniform(0, 0.1);
    return Time{} + from_seconds(seconds_);
  }
  double seconds() const { return seconds_; }

 private:
  mutable Rng rng_;
  mutable double seconds_ = 1000;
};

TEST(FitViews, ShowsTheObjectFromWhereNoViewShowedIt) {
  ThreadPool pool(2);
  const auto exact = fit_views(pictured(), sampled({}), small(80), pool);
  ASSERT_TRUE(exact) << exact.error().message();
  EXPECT_EQ(exact->views, 4);
  EXPECT_TRUE(exact->notes.empty());
  EXPECT_GT(unseen(exact->cloud, pool).psnr_db, 24);
  const auto rough = fit_views(pictured(), sampled(model_like()), small(80), pool);
  ASSERT_TRUE(rough) << rough.error().message();
  EXPECT_GT(unseen(rough->cloud, pool).psnr_db, 20);
}

TEST(FitViews, DropsAHopelessSilhouetteWithANote) {
  ThreadPool pool(2);
  auto views = sampled({});
  views[1].picture = image::Image(kSize, kSize, 3, 255);
  const auto fit = fit_views({}, views, small(10), pool);
  ASSERT_TRUE(fit) << fit.error().message();
  EXPECT_EQ(fit->views, 3);
  ASSERT_EQ(fit->notes.size(), 1U);
  EXPECT_THAT(fit->notes[0], testing::HasSubstr("azimuth 90"));
}

TEST(FitViews, DropsAViewThatTheOthersContradict) {
  ThreadPool pool(2);
  auto views = sampled({});
  splat::GaussianCloud elsewhere = test::banded_egg();
  for (glm::vec3& p : elsewhere.positions) {
    p = p * 0.4F + glm::vec3(0, 0.75F, 0);  // a small one, above where the others have anything
  }
  views[2] = oracle_sampler(elsewhere, four_orbits(kSize), {})->sample({}, 1, {}, {}).value()[2];
  const auto fit = fit_views({}, views, small(10), pool);
  ASSERT_TRUE(fit) << fit.error().message();
  EXPECT_EQ(fit->views, 3);
  ASSERT_EQ(fit->notes.size(), 1U);
  EXPECT_THAT(fit->notes[0], testing::HasSubstr("azimuth 180"));
}

TEST(FitViews, FailsWithTheReasonsWhenTooFewViewsCanBeUsed) {
  ThreadPool pool(1);
  auto views = sampled({});
  for (std::size_t i = 1; i < 4; ++i) {
    views[i].picture = image::Image(kSize, kSize, 3, 255);
  }
  const auto fit = fit_views({}, views, small(), pool);
  ASSERT_FALSE(fit);
  EXPECT_EQ(fit.error().code, Errc::invalid_input);
  EXPECT_THAT(fit.error().context, testing::HasSubstr("azimuth 270"));
  EXPECT_FALSE(fit_views({}, {}, small(), pool));
}

TEST(FitViews, RefusesAViewWhoseSizeIsNotItsOrbits) {
  ThreadPool pool(1);
  auto views = sampled({});
  views[3].orbit.size = 128;
  const auto fit = fit_views({}, views, small(), pool);
  ASSERT_FALSE(fit);
  EXPECT_THAT(fit.error().context, testing::HasSubstr("expected 128x128"));
  views = sampled({});
  views[0].orbit.radius = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(fit_views({}, views, small(), pool));
}

TEST(FitViews, SameSeedGivesTheSameBytesForAnyNumberOfThreads) {
  ThreadPool one(1), two(2);
  const auto views = sampled(model_like());
  ViewFitOptions options = small();
  const auto bytes = [&](ThreadPool& pool) {
    return splat::encode_ply(fit_views(pictured(), views, options, pool).value().cloud);
  };
  const auto first = bytes(one);
  EXPECT_EQ(first, bytes(two));
  options.seed = 2;
  EXPECT_NE(first, bytes(one));
}

TEST(FitViews, EndsWithinAStepOfItsBudget) {
  ThreadPool pool(1);
  const auto views = sampled({});
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const TickingClock clock(seed);
    ViewFitOptions options = small(200);
    options.budget = {4};
    options.clock = &clock;
    const double begun = clock.seconds();
    const auto fit = fit_views({}, views, options, pool);
    ASSERT_TRUE(fit) << fit.error().message();
    EXPECT_LT(fit->steps, 100);
    EXPECT_GT(fit->steps, 5);
    EXPECT_LT(clock.seconds() - begun, 4 + 0.5);  // a step looks five times
    EXPECT_THAT(fit->notes, testing::Contains(testing::HasSubstr("of 200 steps")));
  }
}

TEST(FitViews, GivesItsStartWhenThereIsNoTimeAtAll) {
  ThreadPool pool(1);
  const TickingClock clock(1);
  ViewFitOptions options = small(200);
  options.budget = {1e-3};
  options.clock = &clock;
  const auto fit = fit_views({}, sampled({}), options, pool);
  ASSERT_TRUE(fit) << fit.error().message();
  EXPECT_EQ(fit->steps, 0);
  EXPECT_GT(fit->cloud.size(), 500U);
}

TEST(FitViews, StopsWhenToldTo) {
  ThreadPool pool(1);
  std::stop_source source;
  ViewFitOptions options = small();
  options.stop = source.get_token();
  int steps = 0;
  options.progress = [&](int step, int of) {
    EXPECT_EQ(step, ++steps);
    EXPECT_EQ(of, 40);
    if (step == 3) {
      source.request_stop();
    }
  };
  const auto fit = fit_views({}, sampled({}), options, pool);
  ASSERT_FALSE(fit);
  EXPECT_EQ(fit.error().code, Errc::cancelled);
  EXPECT_EQ(steps, 3);
}

FastOptions fast(int steps) {
  FastOptions options;
  options.fit = small(steps);
  options.finish.least = 0;
  return options;
}

TEST(DreamFast, RefinesFromTheFittedCloud) {
  ThreadPool pool(2);
  const splat::GaussianCloud truth = test::banded_egg();
  const auto sampler = oracle_sampler(truth, four_orbits(kSize), model_like());
  Oracle guidance(truth, {.cells = 0}, 1, pool);
  const auto plain = dream_fast(pictured(), *sampler, &guidance, fast(60), pool);
  ASSERT_TRUE(plain) << plain.error().message();
  EXPECT_FALSE(plain->refined);
  FastOptions options = fast(60);
  options.refine.emplace();
  options.refine->preset = refine_preset(find_preset("image").value());
  options.refine->preset.iters = 24;
  const auto refined = dream_fast(pictured(), *sampler, &guidance, options, pool);
  ASSERT_TRUE(refined) << refined.error().message();
  ASSERT_TRUE(refined->refined);
  EXPECT_EQ(refined->refined->steps, 12) << "half of the schedule counts as done";
  EXPECT_GT(unseen(refined->cloud, pool).psnr_db, unseen(plain->cloud, pool).psnr_db);
}

TEST(DreamFast, KeepsItsBudgetOverAllStages) {
  ThreadPool pool(1);
  const splat::GaussianCloud truth = test::banded_egg();
  const auto sampler = oracle_sampler(truth, four_orbits(kSize), {});
  Oracle guidance(truth, {}, 1, pool);
  const TickingClock clock(3);
  FastOptions options = fast(400);
  options.fit.budget = {12};
  options.fit.clock = &clock;
  options.refine.emplace();
  options.refine->preset = refine_preset(find_preset("image").value());
  const double begun = clock.seconds();
  const auto outcome = dream_fast(pictured(), *sampler, &guidance, options, pool);
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_GT(outcome->fit_steps, 5);
  ASSERT_TRUE(outcome->refined);
  EXPECT_GT(outcome->refined->steps, 2);
  EXPECT_LT(clock.seconds() - begun, 12 + 2);  // a step of the optimiser looks some twenty times
}

TEST(OracleSampler, IsWrongBySeedAndExactWhenAskedTo) {
  const auto a = sampled(model_like(), 1), b = sampled(model_like(), 1),
             c = sampled(model_like(), 2);
  EXPECT_EQ(a[2].picture.pixels, b[2].picture.pixels);
  EXPECT_NE(a[2].picture.pixels, c[2].picture.pixels);
  const auto exact = sampled({});
  const auto straight = render::to_image(
      render::render(splat::activate(test::banded_egg()), render::orbit_camera(exact[3].orbit)));
  EXPECT_EQ(exact[3].picture.pixels, straight.pixels);
}

}  // namespace
}  // namespace lode::dream
