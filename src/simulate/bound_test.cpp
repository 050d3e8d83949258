#include "simulate/bound.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace lode::simulate {
namespace {

constexpr double kFourHours = 14'400;

BoundInput eight_validators(int workers, double seconds) {
  BoundInput input;
  input.validators = 8;
  input.workers = workers;
  input.generation = GenerationTime::lognormal(seconds, 0);
  return input;
}

double rounded(double value) { return std::round(value * 10) / 10; }

TEST(Bound, IsTheSmallerOfCooldownsAndWorkersForEightValidators) {
  constexpr std::array kSeconds{15, 20, 25, 30, 45, 60};
  constexpr std::array kOneWorker{384.0, 384.0, 384.0, 380.2, 320.0, 240.0};
  constexpr std::array kMoreWorkers{384.0, 384.0, 384.0, 380.2, 362.3, 345.9};
  for (std::size_t i = 0; i < kSeconds.size(); ++i) {
    EXPECT_EQ(rounded(bound(eight_validators(1, kSeconds[i]), kFourHours)), kOneWorker[i])
        << kSeconds[i];
    for (const int workers : {2, 3, 4}) {
      EXPECT_EQ(rounded(bound(eight_validators(workers, kSeconds[i]), kFourHours)), kMoreWorkers[i])
          << kSeconds[i] << " s, " << workers << " workers";
    }
  }
}

TEST(Bound, IsFortyEightResultsForOneValidatorAndAFastWorker) {
  BoundInput input = eight_validators(1, 27);
  input.validators = 1;
  EXPECT_DOUBLE_EQ(bound(input, kFourHours), 48);  // 27 + 3 is just inside the throttle window
}

TEST(Bound, DropsThePartOfASecondAsTheValidatorsDo) {
  BoundInput input = eight_validators(2, 30);
  input.overhead = 2.5;
  EXPECT_DOUBLE_EQ(best_cycle(input), 302);  // 2.5 s beyond the window cost two
  input.overhead = 2.999;
  EXPECT_DOUBLE_EQ(best_cycle(input), 302);
  input.overhead = 3;
  EXPECT_DOUBLE_EQ(best_cycle(input), 303);
}

TEST(Bound, AveragesTheOverrunOverTheGenerationTimes) {
  BoundInput input = eight_validators(2, 30);
  input.generation = GenerationTime::uniform(20, 40);
  // 3 s of overhead: d is 23 to 43, and floor(d - 30) averages 0..12 over 13 of 20 seconds.
  EXPECT_NEAR(best_cycle(input), 300 + 78.0 / 20, 0.01);
}

TEST(Bound, CountsThePenaltyOfWhatIsSentBelowTheThreshold) {
  const BoundInput input = eight_validators(2, 20);
  // A tenth fails: 0.9 results of a cycle of 300 + 60 s.
  EXPECT_NEAR(bound_without_scorer(input, 0.1, kFourHours), 8 * kFourHours * 0.9 / 360, 1e-9);
  EXPECT_DOUBLE_EQ(bound_without_scorer(input, 0, kFourHours), bound(input, kFourHours));
  EXPECT_EQ(bound_without_scorer(input, 1, kFourHours), 0);
}

}  // namespace
}  // namespace lode::simulate
