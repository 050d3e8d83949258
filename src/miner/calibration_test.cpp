#include "miner/calibration.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/rng.h"
#include "miner/experience.h"

namespace lode::miner {
namespace {

constexpr double kPays = 0.66;  // the usual least_acceptance()

ScorePair pair_of(double predicted, double truth, double threshold = 0.6) {
  return {predicted, truth >= threshold ? std::optional(truth) : std::nullopt, threshold};
}

/// Our scores are theirs plus `bias` and a normal error; what we would send.
std::vector<ScorePair> noisy(int count, double bias, double error, std::uint64_t seed = 1) {
  Rng rng(seed);
  std::vector<ScorePair> pairs;
  while (static_cast<int>(pairs.size()) < count) {
    const double truth = rng.uniform(0.45, 1);
    const double predicted = std::min(1.0, truth + bias + error * rng.normal());
    if (predicted >= 0.6) {
      pairs.push_back(pair_of(predicted, truth));
    }
  }
  return pairs;
}

void expect_rising(const RisingCurve& curve, double low) {
  double last = -1e9;
  for (int i = 0; i <= 1000; ++i) {
    const double y = curve(low + i / 1000.0);
    ASSERT_GE(y, last - 1e-12) << low + i / 1000.0;
    ASSERT_GE(y, 0);
    ASSERT_LE(y, 1 + 1e-12);
    last = y;
  }
}

TEST(Calibration, WithoutPairsIsThePrior) {
  const Calibration fit = calibrate({}, CalibrationPrior{0.02});
  for (const double x : {0.0, 0.123, 0.6, 1.0}) {
    EXPECT_NEAR(fit.expected(x), x, 1e-12);
  }
  EXPECT_NEAR(fit.acceptance_probability(0.6, 0.6), 0.5, 1e-12);
  EXPECT_NEAR(fit.acceptance_probability(0.62, 0.6), 0.8413, 1e-4);
  EXPECT_NEAR(fit.spread, 0.02, 1e-12);
  EXPECT_NEAR(least_margin(fit.acceptance, 0.98), 0.041, 0.0021) << "two deviations for 2 %";
}

TEST(Calibration, IsRisingWhateverThePairs) {
  Rng rng(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<ScorePair> pairs;
    const auto count = rng.below(250);
    for (std::uint64_t i = 0; i < count; ++i) {
      pairs.push_back(pair_of(rng.uniform(), rng.uniform(), rng.uniform(0.4, 0.8)));
    }
    const Calibration overall = calibrate(pairs);
    expect_rising(overall.expected, 0);
    expect_rising(overall.acceptance, -0.5);
    pairs.resize(pairs.size() / 3);
    const Calibration own = calibrate(pairs, overall);
    expect_rising(own.expected, 0);
    expect_rising(own.acceptance, -0.5);
  }
}

TEST(Calibration, FindsAKnownBiasAndError) {
  const std::vector<ScorePair> pairs = noisy(200, 0.1, 0.03);
  const Calibration fit = calibrate(pairs);
  EXPECT_NEAR(fit.expected(0.85), 0.75, 0.02);
  EXPECT_NEAR(fit.expected(0.95), 0.85, 0.02);
  EXPECT_NEAR(fit.spread, 0.03, 0.01);
  EXPECT_LT(fit.acceptance_probability(0.64, 0.6), 0.3);
  EXPECT_GT(fit.acceptance_probability(0.78, 0.6), 0.9);
  EXPECT_NEAR(least_margin(fit.acceptance, kPays), 0.1 + 0.43 * 0.03, 0.03);
}

TEST(Calibration, AFewPairsMoveLittle) {
  const std::vector<ScorePair> one{pair_of(0.9, 0.62)};
  const Calibration fit = calibrate(one);
  EXPECT_GT(fit.expected(0.9), 0.75);
  EXPECT_GT(fit.acceptance_probability(0.7, 0.6), 0.9);
}

TEST(Calibration, MarginShrinksWithMoreConsistentPairs) {
  double last = kLargestMargin;
  for (const int count : {0, 30, 60, 120, 200}) {
    const std::vector<ScorePair> pairs = noisy(count, 0, 0.005);
    const double margin = least_margin(calibrate(pairs).acceptance, 0.98);
    EXPECT_LE(margin, last + 0.003) << count;
    last = margin;
  }
  EXPECT_LT(last, 0.03);
}

TEST(Calibration, MarginGrowsWithErrorAndBias) {
  const auto margin = [](double bias, double error) {
    const std::vector<ScorePair> pairs = noisy(200, bias, error);
    return least_margin(calibrate(pairs).acceptance, kPays);
  };
  EXPECT_LT(margin(0, 0.01), margin(0, 0.05));
  EXPECT_LT(margin(0, 0.03), margin(0.1, 0.03));
}

TEST(Calibration, OneAbsurdPairChangesLittle) {
  std::vector<ScorePair> pairs = noisy(100, 0, 0.01);
  const Calibration before = calibrate(pairs);
  pairs.push_back({0.95, 0.0, 0.6});
  pairs.push_back({0.61, 1.0, 0.6});
  const Calibration after = calibrate(pairs);
  for (double x = 0.6; x <= 1; x += 0.05) {
    EXPECT_NEAR(after.expected(x), before.expected(x), 0.02) << x;
  }
  EXPECT_NEAR(after.spread, before.spread, 0.005);
}

TEST(Calibration, SeesRejectionsThatNoNormalErrorExplains) {
  // One result in four is bad whatever we score it.
  std::vector<ScorePair> pairs;
  Rng rng(3);
  for (int i = 0; i < 200; ++i) {
    const double predicted = rng.uniform(0.65, 0.95);
    pairs.push_back(pair_of(predicted, i % 4 == 0 ? 0.4 : predicted));
  }
  const Calibration fit = calibrate(pairs);
  EXPECT_NEAR(fit.acceptance_probability(0.8, 0.6), 0.75, 0.1);
  EXPECT_LT(fit.expected(0.9), 0.9);
  EXPECT_GT(least_margin(fit.acceptance, 0.98), 0.34) << "no score that was seen is that safe";
}

TEST(Calibration, AValidatorsOwnPairsOutvoteTheOthers) {
  const Calibration overall = calibrate(noisy(200, 0, 0.02));
  const std::vector<ScorePair> own = noisy(100, 0.12, 0.02, 2);
  EXPECT_NEAR(calibrate(own, overall).expected(0.85), 0.75, 0.035);
  EXPECT_NEAR(calibrate({}, overall).expected(0.85), overall.expected(0.85), 1e-12);
  EXPECT_LT(calibrate(own, overall).acceptance(0.05), overall.acceptance(0.05) - 0.3);
}

TEST(Calibration, DoesNotDependOnTheOrderOfPairs) {
  std::vector<ScorePair> pairs = noisy(80, 0.03, 0.04);
  const Calibration fit = calibrate(pairs);
  std::reverse(pairs.begin(), pairs.end());
  const Calibration reversed = calibrate(pairs);
  for (double x = 0; x <= 1; x += 0.01) {
    ASSERT_NEAR(fit.expected(x), reversed.expected(x), 1e-9);
  }
}

TEST(Calibration, NonsenseIsNotLearned) {
  const double nan = std::nan(""), huge = std::numeric_limits<double>::infinity();
  const std::vector<ScorePair> pairs{
      {nan, 0.5, 0.6}, {0.7, huge, 0.6}, {0.7, 0.8, nan}, {7, -3.0, 0.6}};
  const Calibration fit = calibrate(pairs);
  EXPECT_EQ(fit.pairs, 1) << "the last one is cut to 0..1";
  EXPECT_TRUE(std::isfinite(fit.expected(0.7)));
  EXPECT_TRUE(std::isfinite(fit.spread));
}

Event event_of(EventKind kind, double score, double threshold, bool judged = true) {
  Event event;
  event.hotkey = "V";
  event.kind = kind;
  event.score = score;
  event.threshold = threshold;
  event.judged = judged;
  return event;
}

TEST(PairCollector, PairsWhatWasSentWithItsOutcome) {
  PairCollector collector;
  EXPECT_FALSE(collector.take(event_of(EventKind::accepted, 0.9, 0.6))) << "nothing was sent";
  EXPECT_FALSE(collector.take(event_of(EventKind::submitting, 0.8, 0)));
  Event other = event_of(EventKind::accepted, 0.5, 0.6);
  other.hotkey = "W";
  EXPECT_FALSE(collector.take(other));
  auto pair = collector.take(event_of(EventKind::accepted, 0.7, 0.65));
  ASSERT_TRUE(pair);
  EXPECT_EQ(pair->predicted, 0.8);
  EXPECT_EQ(*pair->returned, 0.7);
  EXPECT_EQ(pair->threshold, 0.65);
  EXPECT_FALSE(collector.take(event_of(EventKind::accepted, 0.7, 0.65))) << "told once";
  collector.take(event_of(EventKind::submitting, 0.75, 0));
  pair = collector.take(event_of(EventKind::rejected, 0, 0.65));
  ASSERT_TRUE(pair);
  EXPECT_FALSE(pair->is_accepted());
}

TEST(PairCollector, UnjudgedAndEmptyResultsTeachNothing) {
  PairCollector collector;
  collector.take(event_of(EventKind::submitting, 1, 0, false));
  EXPECT_FALSE(collector.take(event_of(EventKind::accepted, 0.7, 0.6)));
  collector.take(event_of(EventKind::submitting, 0.8, 0));
  EXPECT_FALSE(collector.take(event_of(EventKind::emptied, 0, 0.6)));
  EXPECT_FALSE(collector.take(event_of(EventKind::validator_failed, 0, 0.6)));
}

TEST(PairCollector, TakesTheThresholdOfOldRowsFromTheAssignment) {
  PairCollector collector;
  collector.take(event_of(EventKind::assigned, 0, 0.55));
  collector.take(event_of(EventKind::submitting, 0.8, 0));
  EXPECT_EQ(collector.take(event_of(EventKind::accepted, 0.7, 0))->threshold, 0.55);
}

TEST(Calibrator, KeepsTheNewestAndFitsEachValidator) {
  Calibrator calibrator{CalibrationPrior{}};
  for (const ScorePair& pair : noisy(150, 0, 0.02)) {
    calibrator.add("A", pair);
  }
  for (const ScorePair& pair : noisy(150, 0.12, 0.02, 2)) {
    calibrator.add("B", pair);
  }
  EXPECT_EQ(calibrator.count(), 200);
  EXPECT_EQ(calibrator.of("A").pairs, 100);
  EXPECT_LT(calibrator.of("B").expected(0.85), calibrator.of("A").expected(0.85) - 0.05);
  EXPECT_EQ(calibrator.of("unseen").pairs, calibrator.overall().pairs);
}

TEST(ExperienceCalibration, BeginsWithTheThirtiethPair) {
  Priors uncalibrated;
  uncalibrated.calibration_pairs = 1'000'000;
  Experience calibrated, plain(uncalibrated);
  const auto both = [&](const Event& event) {
    calibrated.apply(event);
    plain.apply(event);
  };
  // One result in three is bad whatever we score it: a normal error cannot say so.
  for (int i = 0; i < 60; ++i) {
    if (i == 29) {
      EXPECT_EQ(calibrated.acceptance_probability("V", 0.7, 0.6),
                plain.acceptance_probability("V", 0.7, 0.6));
    }
    both(event_of(EventKind::assigned, 0, 0.6));
    both(event_of(EventKind::submitting, 0.7 + 0.005 * (i % 20), 0));
    both(event_of(i % 3 == 0 ? EventKind::rejected : EventKind::accepted, 0.9, 0.6));
  }
  EXPECT_NEAR(calibrated.acceptance_probability("V", 0.75, 0.6), 2.0 / 3, 0.1);
  EXPECT_EQ(plain.acceptance_probability("V", 0.75, 0.6), plain.acceptance_probability(0.75, 0.6));
}

}  // namespace
}  // namespace lode::miner
