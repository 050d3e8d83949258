// Score distillation's arithmetic against its formulas.
#include "guidance/sds.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "guidance/test_support.h"
#include "nn/noise.h"

namespace lode::guidance {
namespace {

TEST(SdsTimestep, FallsAsTheReferencesRoundingToEven) {
  const test::GoldenTensors golden(golden_folder() / "timesteps.safetensors");
  for (const int steps : {80, 300, 500, 1000}) {
    const at::Tensor expected = golden["timesteps." + std::to_string(steps)];
    for (int step = 1; step <= steps; ++step) {
      const double progress = static_cast<double>(step) / steps;
      ASSERT_EQ(annealed_timestep(progress, 1000), expected[step - 1].item<std::int64_t>())
          << step << " of " << steps;
    }
  }
}

TEST(SdsTimestep, IsDrawnFromAllOfTheRange) {
  const TimestepRange range{20, 24};
  std::set<std::int64_t> seen;
  for (int i = 0; i < 200; ++i) {
    seen.insert(drawn_timestep(range, 5, "step " + std::to_string(i)));
  }
  EXPECT_EQ(seen, (std::set<std::int64_t>{20, 21, 22, 23, 24}));
  EXPECT_EQ(drawn_timestep(range, 5, "a"), drawn_timestep(range, 5, "a"));
}

TEST(SdsTimestep, RangeOfReconstructionNarrowsToItsEnds) {
  const TimestepRange first = reconstruction_range(0, 1000);
  EXPECT_EQ(first.least, 980);
  EXPECT_EQ(first.most, 980);
  const TimestepRange last = reconstruction_range(1, 1000);
  EXPECT_EQ(last.least, 20);
  EXPECT_EQ(last.most, 500);
  EXPECT_EQ(reconstruction_range(0.8, 1000).least, 20);
  const TimestepRange half = reconstruction_range(0.4, 1000);
  EXPECT_EQ(half.least, 500);
  EXPECT_EQ(half.most, 740);
}

/// Two views of random latents at time step 400.
class Distil : public testing::Test {
 protected:
  explicit Distil(models::DiffusionScheduleConfig config = models::ldm_schedule_config())
      : schedule_(config) {
    nn::NoiseSource source(3, "sds test");
    question_.latents = source.normal({2, 4, 3, 5});
    question_.noise = source.normal({2, 4, 3, 5});
    question_.timesteps = timesteps_;
    question_.noisy = schedule_.add_noise(question_.latents, question_.noise, timesteps_);
    question_.opinion = {source.normal({2, 4, 3, 5}), source.normal({2, 4, 3, 5})};
  }

  double alpha() const { return schedule_.alphas_cumprod()[400]; }

  models::DiffusionSchedule schedule_;
  std::vector<std::int64_t> timesteps_{400, 400};
  SdsQuestion question_;
};

TEST_F(Distil, IsTheGuidedResidual) {
  const Distilled plain = distil(schedule_, question_, {.scale = 7});
  const at::Tensor& c = question_.opinion.with;
  const at::Tensor& u = question_.opinion.without;
  const at::Tensor expected = u + 7 * (c - u) - question_.noise;
  EXPECT_LE(test::relative_error(plain.gradient, expected), 1e-6);
  EXPECT_NEAR(plain.loss, 0.5 * expected.square().sum().item<double>(), 1e-3);
  const Distilled weighted =
      distil(schedule_, question_, {.scale = 7, .weighted = true, .mean_of_views = true});
  EXPECT_LE(test::relative_error(weighted.gradient, expected * (1 - alpha()) / 2), 1e-6);
}

TEST_F(Distil, MakesNothingOfWhatIsNotFinite) {
  question_.opinion.with[0][0][0][0] = std::numeric_limits<float>::quiet_NaN();
  question_.opinion.with[1][3][2][4] = std::numeric_limits<float>::infinity();
  for (const bool reconstructs : {false, true}) {
    SdsRule rule{.scale = 7, .views_together = 2};
    if (reconstructs) {
      rule.reconstruction = 0.5;
    }
    const Distilled distilled = distil(schedule_, question_, rule);
    EXPECT_EQ(distilled.gradient[0][0][0][0].item<float>(), 0);
    EXPECT_EQ(distilled.gradient[1][3][2][4].item<float>(), 0);
    EXPECT_TRUE(std::isfinite(distilled.loss));
  }
}

TEST_F(Distil, ReconstructionIsTheResidualInOtherUnits) {
  // With one opinion there is nothing to rescale, and z - clean = sqrt(1/a - 1) (opinion - noise).
  question_.opinion.without = question_.opinion.with;
  const Distilled distilled =
      distil(schedule_, question_, {.scale = 7, .reconstruction = 0.5, .views_together = 2});
  const at::Tensor expected =
      std::sqrt(1 / alpha() - 1) * (question_.opinion.with - question_.noise);
  EXPECT_LE(test::relative_error(distilled.gradient, expected), 1e-5);
}

TEST_F(Distil, ReconstructionRescalesOverTheViewsOfAnObject) {
  // Rescaled in full, what is predicted has the deviation that it has without guidance.
  const Distilled distilled =
      distil(schedule_, question_, {.scale = 7, .reconstruction = 1, .views_together = 2});
  const at::Tensor clean = question_.latents - distilled.gradient;
  const at::Tensor plain =
      schedule_.denoised(question_.noisy, question_.opinion.with, timesteps_).clean;
  EXPECT_NEAR(clean.std().item<double>() / plain.std().item<double>(), 1, 1e-5);
  const Distilled alone =
      distil(schedule_, question_, {.scale = 7, .reconstruction = 1, .views_together = 1});
  EXPECT_GT(test::relative_error(alone.gradient, distilled.gradient), 1e-3);
}

class DistilVelocity : public Distil {
 protected:
  static models::DiffusionScheduleConfig config() {
    models::DiffusionScheduleConfig config = models::ldm_schedule_config();
    config.prediction = models::DiffusionScheduleConfig::Prediction::v;
    return config;
  }
  DistilVelocity() : Distil(config()) {}
};

TEST_F(DistilVelocity, IsZeroWhereTheVelocityIsRight) {
  const at::Tensor velocity =
      std::sqrt(alpha()) * question_.noise - std::sqrt(1 - alpha()) * question_.latents;
  question_.opinion = {velocity, velocity};
  const Distilled distilled = distil(schedule_, question_, {.scale = 100, .weighted = true});
  EXPECT_LE(distilled.gradient.abs().max().item<float>(), 1e-5F);
}

}  // namespace
}  // namespace lode::guidance
