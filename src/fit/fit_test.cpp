#include "fit/fit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "render/render.h"
#include "splat/ply.h"
#include "tests/support/clouds.h"

namespace lode::fit {
namespace {

/// Some dozens of coloured blobs.
splat::GaussianCloud blobs(int sh_degree = 0) {
  Rng rng(11);
  splat::GaussianCloud cloud = test::random_cloud(rng, 60, sh_degree);
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    cloud.positions[i] *= 0.5F;
    cloud.log_scales[i] = glm::max(cloud.log_scales[i], glm::vec3(-3.5F));
    cloud.opacity_logits[i] = std::abs(cloud.opacity_logits[i]);
  }
  return cloud;
}

struct Setting {
  explicit Setting(const splat::GaussianCloud& truth)
      : dataset(make_dataset(
            splat::activate(truth, truth.sh_degree > 0 ? splat::ColourModel::view_dependent
                                                       : splat::ColourModel::flat),
            dataset_cameras(8, {.size = 48}))),
        views(8) {
    std::iota(views.begin(), views.end(), 0U);
  }

  Fitter fitter(const FitOptions& options, ThreadPool& pool, std::uint64_t seed = 1) const {
    const StartOptions start{.gaussians = 300};
    Problem problem{dataset, views, start_cloud(dataset, views, start, Rng(seed))};
    return {std::move(problem), options, Rng(seed), pool};
  }

  Dataset dataset;
  std::vector<std::size_t> views;
};

splat::GaussianCloud run(Fitter fitter) {
  while (!fitter.is_done()) {
    const auto report = fitter.step();
    EXPECT_TRUE(report) << report.error().message();
    if (!report) {
      break;
    }
  }
  return fitter.cloud();
}

TEST(Fitter, StepsTowardsThePictures) {
  const Setting setting(blobs());
  ThreadPool pool(2);
  const FitOptions options = standard_options(150, 2.75F);
  Fitter fitter = setting.fitter(options, pool);
  const Quality before = measure(fitter.cloud(), setting.dataset, setting.views, {}, pool);
  const Quality after = measure(run(std::move(fitter)), setting.dataset, setting.views, {}, pool);
  EXPECT_GT(after.psnr_db, before.psnr_db + 4);
  EXPECT_GT(after.ssim, before.ssim + 0.1);
}

TEST(Fitter, SameSeedGivesTheSameBytesForAnyNumberOfThreads) {
  const Setting setting(blobs());
  ThreadPool one(1), three(3);
  FitOptions options = standard_options(40, 2.75F);
  options.densify.gradient_threshold = 1e-5F;  // so that clones and splits take part
  options.densify_from = 5;
  options.densify_interval = 5;
  const auto a = run(setting.fitter(options, one)), b = run(setting.fitter(options, three));
  EXPECT_GT(a.size(), 320U);
  EXPECT_EQ(splat::encode_ply(a), splat::encode_ply(b));
  EXPECT_NE(splat::encode_ply(a), splat::encode_ply(run(setting.fitter(options, one, 2))));
}

TEST(Fitter, HarmonicsFindColoursThatDependOnTheView) {
  const splat::GaussianCloud truth = blobs(1);
  const Setting setting(truth);
  ThreadPool pool(2);
  FitOptions options = standard_options(150, 2.75F);
  options.rates.sh_rest = 0.02F;  // faster than the standard, for few steps
  options.densify_interval = 0;
  const auto quality = [&](int degree) {
    const auto start = with_degree(with_degree(truth, 0), degree);
    return measure(run(Fitter({setting.dataset, setting.views, start}, options, Rng(1), pool)),
                   setting.dataset, setting.views, {}, pool)
        .psnr_db;
  };
  EXPECT_GT(quality(1), quality(0) + 3);
}

TEST(Fitter, EveryViewHasItsTurnBeforeOneComesAgain) {
  // Views of a single colour each, which the loss of a cloud of nothing tells apart.
  Setting setting(blobs());
  for (std::size_t i = 0; i < setting.dataset.views.size(); ++i) {
    setting.dataset.views[i].picture = image::Image(48, 48, 3, static_cast<std::uint8_t>(20 * i));
  }
  ThreadPool pool(1);
  splat::GaussianCloud nothing = blobs();
  std::fill(nothing.opacity_logits.begin(), nothing.opacity_logits.end(), -20.0F);
  FitOptions options = standard_options(16, 1);
  options.densify_interval = 0;
  Fitter fitter({setting.dataset, setting.views, nothing}, options, Rng(3), pool);
  for (int round = 0; round < 2; ++round) {
    std::vector<double> seen;
    for (int i = 0; i < 8; ++i) {
      const auto report = fitter.step();
      ASSERT_TRUE(report);
      seen.push_back(report->psnr_db);
    }
    std::sort(seen.begin(), seen.end());
    for (std::size_t i = 1; i < seen.size(); ++i) {
      EXPECT_GT(seen[i], seen[i - 1] + 0.1);
    }
  }
}

TEST(Fitter, PicturesWithoutAlphaAreMetOverTheGivenBackground) {
  Setting setting(blobs());
  for (View& view : setting.dataset.views) {
    view.picture = image::composite_over(view.picture, {0, 0, 255});
  }
  ThreadPool pool(2);
  FitOptions options = standard_options(150, 2.75F);
  options.background = {0, 0, 1};
  const auto cloud = run(setting.fitter(options, pool));
  EXPECT_GT(measure(cloud, setting.dataset, setting.views, {0, 0, 1}, pool).psnr_db, 20);
}

TEST(Fitter, OpacitiesAreResetOnSchedule) {
  const Setting setting(blobs());
  ThreadPool pool(1);
  FitOptions options = dreamgaussian_options(10);
  options.opacity_reset_interval = 10;
  options.densify_from = 1000;
  const auto cloud = run(setting.fitter(options, pool));
  for (const float value : cloud.opacity_logits) {
    EXPECT_LE(value, splat::logit(0.01F));
  }
}

TEST(Fitter, EndsWhereItIsToldTo) {
  const Setting setting(blobs());
  ThreadPool pool(1);
  FitOptions options = standard_options(100, 2.75F);
  Fitter fitter = setting.fitter(options, pool);
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(fitter.step());
  }
  fitter.end_at(6);
  EXPECT_FALSE(fitter.is_done());
  ASSERT_TRUE(fitter.step());
  EXPECT_TRUE(fitter.is_done());
}

TEST(Fitter, RefusesAStartThatIsNotFinite) {
  const Setting setting(blobs());
  ThreadPool pool(1);
  splat::GaussianCloud start = blobs();
  start.positions[7].x = std::numeric_limits<float>::quiet_NaN();
  Fitter fitter({setting.dataset, setting.views, start}, standard_options(10, 1), Rng(1), pool);
  const auto report = fitter.step();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Errc::invalid_input);
}

TEST(Finished, DropsWhatIsNeverDrawnAndDrawsTheSame) {
  splat::GaussianCloud cloud = blobs();
  for (std::size_t i = 0; i < cloud.size(); i += 3) {
    cloud.opacity_logits[i] = -6;  // 1/404
  }
  const splat::GaussianCloud out = finished(cloud);
  EXPECT_EQ(out.size(), 40U);
  EXPECT_NEAR(glm::dot(out.rotations[5], out.rotations[5]), 1, 1e-5F);
  const render::Camera camera = render::orbit_camera({.size = 64});
  const auto a = render::render(splat::activate(cloud), camera);
  const auto b = render::render(splat::activate(out), camera);
  for (std::size_t i = 0; i < a.rgb.size(); ++i) {
    ASSERT_NEAR(a.rgb[i], b.rgb[i], 1e-4F) << i;
  }
}

TEST(Preview, ShowsPictureDrawingAndDifferenceInARow) {
  const splat::GaussianCloud truth = blobs();
  const Setting setting(truth);
  ThreadPool pool(1);
  const image::Image row = preview(truth, setting.dataset.views[0], {1, 1, 1}, pool);
  EXPECT_EQ(row.width, 3 * 48);
  EXPECT_EQ(row.height, 48);
  for (int i = 0; i < 48; ++i) {
    for (int c = 0; c < 3; ++c) {
      EXPECT_NEAR(row.at(i, i)[c], row.at(48 + i, i)[c], 2) << i;
      EXPECT_LE(row.at(96 + i, i)[c], 8) << "four times two grey levels";
    }
  }
}

TEST(Division, KeepsTheLastOfEachSoMany) {
  const Division all = divide(5, 0), thirds = divide(7, 3);
  EXPECT_EQ(all.trained.size(), 5U);
  EXPECT_TRUE(all.unseen.empty());
  EXPECT_EQ(thirds.unseen, (std::vector<std::size_t>{2, 5}));
  EXPECT_EQ(thirds.trained, (std::vector<std::size_t>{0, 1, 3, 4, 6}));
}

}  // namespace
}  // namespace lode::fit
