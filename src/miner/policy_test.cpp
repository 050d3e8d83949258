#include "miner/policy.h"

#include <gtest/gtest.h>

namespace lode::miner {
namespace {

TEST(Policy, TimeInsideTheWindowIsFreeAndBeyondItCostsItsShareOfTheCycle) {
  const TaskTiming timing{.now = 10, .window = 30, .cooldown = 300, .submission = 3};
  EXPECT_EQ(timing.cost_of_waiting(27), 0);
  EXPECT_NEAR(timing.cost_of_waiting(33), 6.0 / 300, 1e-12);
  const TaskTiming late{.now = 57, .window = 30, .cooldown = 300, .submission = 3};
  EXPECT_NEAR(late.cost_of_waiting(63), 6.0 / 330, 1e-12) << "what is lost already is not counted";
}

TEST(Policy, BestOfNGainsWhatOrderStatisticsSay) {
  // Harter, "Expected values of normal order statistics" (1961).
  EXPECT_EQ(expected_best_of(1), 0);
  EXPECT_NEAR(expected_best_of(2), 0.5642, 0.03);
  EXPECT_NEAR(expected_best_of(4), 1.0294, 0.02);
  EXPECT_NEAR(expected_best_of(8), 1.4236, 0.02);
}

TEST(Policy, ImprovementIsThatOfTheNormalDistribution) {
  EXPECT_NEAR(expected_improvement(0), 0.39894, 1e-5);
  EXPECT_NEAR(expected_improvement(1), 0.08332, 1e-5);
  EXPECT_NEAR(expected_improvement(-3), 3.00038, 1e-5);
}

TEST(Policy, ASecondCandidateIsWorthAboutTenSecondsOfOverrunInTheLongRun) {
  // A first candidate of average score; break-even overrun x solves gain = x / 300.
  const double gain = gain_of_another({}, 0);
  EXPECT_NEAR(gain * 300, 6.5, 0.1);  // 9 s when the first one's score is not known yet
  EXPECT_LT(gain_of_another({}, 1.5), gain / 10) << "after a lucky one hardly anything is left";
  EXPECT_EQ(gain_of_another({.correlation = 0}, 0), 0);
}

TEST(Policy, ANewMinersRatingMovesFaster) {
  EXPECT_EQ(rating_speed(30), 1);
  EXPECT_EQ(rating_speed(60), 1);
  EXPECT_GT(rating_speed(80), 1.3);
  EXPECT_EQ(rating_speed(350), 3);
}

TEST(Policy, SendsOnlyWhatIsLikelyEnoughToBeAccepted) {
  EXPECT_NEAR(least_acceptance(1, 600, 300), 2.0 / 3, 1e-12);
  EXPECT_NEAR(least_acceptance(0.9, 600, 300), 0.643, 0.001);
  EXPECT_EQ(least_acceptance(1, 0, 300), 0) << "nothing is risked without a penalty";
}

TEST(Policy, RetriesWhileTheChanceIsWorthTheOverrun) {
  const TaskTiming timing{.now = 30, .window = 30, .cooldown = 300, .submission = 3};
  EXPECT_TRUE(is_retry_worth(timing, 45, 0.06, 1)) << "15 s cost 5 % of a result";
  EXPECT_FALSE(is_retry_worth(timing, 45, 0.04, 1));
  const TaskTiming early{.now = 5, .window = 30, .cooldown = 300, .submission = 3};
  EXPECT_TRUE(is_retry_worth(early, 20, 0.001, 1)) << "inside the window it is free";
}

}  // namespace
}  // namespace lode::miner
