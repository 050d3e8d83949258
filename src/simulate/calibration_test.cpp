// What the miner makes of a scorer that is wrong in a way that can be learned.
#include <gtest/gtest.h>

#include <algorithm>

#include "simulate/world.h"

namespace lode::simulate {
namespace {

/// A scorer that is 0.1 too kind and errs by 0.05 besides: many of the results truly between 0.45
/// and 0.6 look good to it.
Config kind_scorer() {
  Config config;
  config.validators = 4;
  config.hours = 100;
  config.quality.reject_rate = 0.3;
  config.quality.recall = 1;
  config.quality.error = 0.05;
  config.quality.bias = 0.1;
  return config;
}

TEST(SimulatedCalibration, ABiasedScorersRejectionsBecomeFewer) {
  Config config = kind_scorer();
  const Outcome calibrated = run(config, PolicyKind::lode);
  config.calibration_pairs = 1'000'000;
  const Outcome normal = run(config, PolicyKind::lode);
  ASSERT_GE(normal.rejected, 50);
  EXPECT_LT(static_cast<double>(calibrated.rejected), 0.6 * static_cast<double>(normal.rejected));
  EXPECT_GT(calibrated.accepted, normal.accepted);
}

TEST(SimulatedCalibration, CostsAnUnbiasedScorerNothing) {
  Config config = kind_scorer();
  config.quality.bias = 0;
  const Outcome calibrated = run(config, PolicyKind::lode);
  config.calibration_pairs = 1'000'000;
  const Outcome normal = run(config, PolicyKind::lode);
  EXPECT_GE(static_cast<double>(calibrated.accepted), 0.995 * static_cast<double>(normal.accepted));
}

TEST(SimulatedCalibration, SendsMoreOfWhatAnErringScorerStillFindsGood) {
  Config config;  // errors far from normal: one bad candidate in ten is taken for a good one
  config.hours = 100;
  config.quality.reject_rate = 0.25;
  const Outcome calibrated = run(config, PolicyKind::lode);
  config.calibration_pairs = 1'000'000;
  const Outcome normal = run(config, PolicyKind::lode);
  EXPECT_GE(static_cast<double>(calibrated.accepted), 0.995 * static_cast<double>(normal.accepted));
}

TEST(QualityBias, MovesEveryLocalScoreAndNoTrueOne) {
  QualityModel model;
  Rng plain_rng(1), biased_rng(1);
  QualityModel biased = model;
  biased.bias = 0.05;
  for (int i = 0; i < 100; ++i) {
    const Quality plain = draw_quality(model, 0.6, plain_rng);
    const Quality moved = draw_quality(biased, 0.6, biased_rng);
    EXPECT_EQ(moved.true_score, plain.true_score);
    EXPECT_EQ(moved.local_score, std::min(1.0, plain.local_score + 0.05));
  }
}

}  // namespace
}  // namespace lode::simulate
