#include "simulate/quality.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lode::simulate {
namespace {

constexpr double kThreshold = 0.6;
constexpr int kDraws = 50'000;

struct Shares {
  double bad = 0, seen_bad_of_bad = 0, seen_bad_of_good = 0, correlation = 0;
};

Shares measure(const QualityModel& model) {
  Rng rng(3);
  double n_bad = 0, caught = 0, alarms = 0;
  double n = 0, x = 0, y = 0, xx = 0, yy = 0, xy = 0;
  for (int i = 0; i < kDraws; ++i) {
    const Quality quality = draw_quality(model, kThreshold, rng);
    const bool looks_bad = quality.local_score < kThreshold;
    if (quality.true_score < kThreshold) {
      ++n_bad;
      caught += looks_bad ? 1 : 0;
      continue;
    }
    alarms += looks_bad ? 1 : 0;
    ++n;
    x += quality.true_score;
    y += quality.local_score;
    xx += quality.true_score * quality.true_score;
    yy += quality.local_score * quality.local_score;
    xy += quality.true_score * quality.local_score;
  }
  const double covariance = xy / n - x / n * y / n;
  const double spread = std::sqrt((xx / n - x / n * x / n) * (yy / n - y / n * y / n));
  return {n_bad / kDraws, n_bad > 0 ? caught / n_bad : 0, alarms / n, covariance / spread};
}

TEST(Quality, KeepsTheSharesOfBadCandidatesAndOfVerdicts) {
  QualityModel model;
  model.reject_rate = 0.25;
  model.recall = 0.9;
  model.false_alarms = 0.05;
  const Shares shares = measure(model);
  EXPECT_NEAR(shares.bad, 0.25, 0.01);
  EXPECT_NEAR(shares.seen_bad_of_bad, 0.9, 0.01);
  EXPECT_NEAR(shares.seen_bad_of_good, 0.05, 0.005);
}

TEST(Quality, AScorerWithoutErrorSeesTheTrueScoreAndNoGoodOneAsBad) {
  QualityModel model;
  model.error = 0;
  const Shares shares = measure(model);
  EXPECT_EQ(shares.bad, 0);
  EXPECT_EQ(shares.seen_bad_of_good, 0);
  EXPECT_NEAR(shares.correlation, 1, 1e-9);
}

TEST(Quality, TheErrorOfACorrelationGivesThatCorrelation) {
  QualityModel model;
  model.spread = 0.03;  // far from both ends, which would cut the noise
  for (const double correlation : {0.5, 0.8}) {
    model.error = error_for_correlation(correlation, model.spread);
    EXPECT_NEAR(measure(model).correlation, correlation, 0.02);
  }
  EXPECT_EQ(error_for_correlation(1, 0.07), 0);
}

TEST(Quality, StaysWithinZeroAndOneAtTheEndsOfItsSettings) {
  Rng rng(4);
  for (const double mean : {0.6, 1.0}) {
    QualityModel model;
    model.mean = mean;
    model.error = 1;
    model.reject_rate = 0.5;
    model.false_alarms = 0.5;
    for (int i = 0; i < 2000; ++i) {
      const Quality quality = draw_quality(model, kThreshold, rng);
      for (const double score : {quality.true_score, quality.local_score}) {
        ASSERT_GE(score, 0);
        ASSERT_LE(score, 1);
      }
    }
  }
}

}  // namespace
}  // namespace lode::simulate
