// A known cloud is recovered from 24 of its views: what the fit never saw looks right, too.
#include "fit/fit.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "render/render.h"
#include "sketch/sketch.h"

namespace lode::fit {
namespace {

TEST(FitRecovery, UnseenViewsOfAKnownCloudAgreeAboveThirtyFiveDecibels) {
  const auto mug = sketch::parse_prompt("a red mug on a wooden table").scene;
  const splat::Scene truth = splat::activate(sketch::build(mug, 1));
  const render::Orbit orbit{.size = 128};
  const Dataset dataset = make_dataset(truth, dataset_cameras(24, orbit), 2);
  const Division views = divide(dataset.views.size(), 0);
  ThreadPool pool(2);
  const Rng rng(5);
  const FitOptions options = standard_options(500, find_place(dataset, views.trained).extent);
  Problem problem{dataset, views.trained,
                  start_cloud(dataset, views.trained, {.gaussians = 5000}, rng.fork("start"))};
  Fitter fitter(std::move(problem), options, rng, pool);
  while (!fitter.is_done()) {
    const auto report = fitter.step();
    ASSERT_TRUE(report) << report.error().message();
  }
  // The validators' views lie on another circle than any of the 24.
  Dataset unseen = make_dataset(truth, render::validator_cameras(128), 2);
  const Division all = divide(unseen.views.size(), 0);
  const Quality quality = measure(finished(fitter.cloud()), unseen, all.trained, {1, 1, 1}, pool);
  RecordProperty("psnr_db", std::to_string(quality.psnr_db));
  EXPECT_GT(quality.psnr_db, 35);
  EXPECT_GT(quality.ssim, 0.98);
}

}  // namespace
}  // namespace lode::fit
