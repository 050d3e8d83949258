#include "subnet/rating.h"

#include <gtest/gtest.h>

namespace lode::subnet {
namespace {

// Expected values are from a second implementation of Glickman's steps that finds the volatility
// by bisection instead of the Illinois method.
TEST(Rating, FollowsGlickmansStepsForOneGame) {
  const Rating settled = after_duel({1500, 200, 0.06}, {1400, 30, 0.06}, DuelOutcome::win);
  EXPECT_NEAR(settled.rating, 1563.564, 0.001);
  EXPECT_NEAR(settled.deviation, 175.4027, 0.001);
  EXPECT_NEAR(settled.volatility, 0.059999, 1e-6);

  const Rating drawn = after_duel({1700, 60, 0.1}, {1550, 100, 0.06}, DuelOutcome::draw);
  EXPECT_NEAR(drawn.rating, 1695.930, 0.001);
  EXPECT_NEAR(drawn.deviation, 61.7002, 0.001);
  EXPECT_NEAR(drawn.volatility, 0.09999, 1e-5);
}

TEST(Rating, FirstDuelMovesANewMinerByItsDeviation) {
  const Rating won = after_duel({}, {}, DuelOutcome::win);
  const Rating lost = after_duel({}, {}, DuelOutcome::loss);
  EXPECT_NEAR(won.rating, 1668.947, 0.001);
  EXPECT_NEAR(lost.rating, 1331.053, 0.001);
  EXPECT_NEAR(won.deviation, 296.194, 0.001);
}

TEST(Rating, ClampsLikeTheValidators) {
  EXPECT_EQ(after_duel({}, {}, DuelOutcome::win).volatility, 0.2);  // starts at 0.5
  EXPECT_EQ(after_duel({1500, 400, 0.2}, {3000, 400, 0.2}, DuelOutcome::loss).deviation, 350);
  EXPECT_EQ(after_duel({10, 350, 0.2}, {10, 30, 0.06}, DuelOutcome::loss).rating, 0);
}

TEST(Rating, TakesTheOtherVolatilityBranchOnAGreatSurprise) {
  const Rating upset = after_duel({1500, 30, 0.03}, {2990, 40, 0.06}, DuelOutcome::win);
  EXPECT_NEAR(upset.rating, 1505.294, 0.001);
}

}  // namespace
}  // namespace lode::subnet
