#include "base/rng.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lode {
namespace {

TEST(Rng, MatchesTheReferenceStream) {
  // First outputs of SplitMix64 seeded with 1234567, as published with the algorithm.
  Rng rng(1234567);
  EXPECT_EQ(rng.next(), 6457827717110365317ULL);
  EXPECT_EQ(rng.next(), 3203168211198807973ULL);
  EXPECT_EQ(rng.next(), 9817491932198370423ULL);
}

TEST(Rng, UniformAndNormalHaveTheirMoments) {
  Rng rng(1);
  double sum = 0, normal_sum = 0, normal_squares = 0;
  constexpr int kDraws = 100000;
  for (int i = 0; i < kDraws; ++i) {
    const double u = rng.uniform();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
    const double n = rng.normal();
    ASSERT_TRUE(std::isfinite(n));
    normal_sum += n;
    normal_squares += n * n;
  }
  EXPECT_NEAR(sum / kDraws, 0.5, 0.005);
  EXPECT_NEAR(normal_sum / kDraws, 0.0, 0.02);
  EXPECT_NEAR(normal_squares / kDraws, 1.0, 0.02);
}

TEST(Rng, BelowCoversItsRangeAndNothingElse) {
  Rng rng(3);
  int counts[5] = {};
  for (int i = 0; i < 5000; ++i) {
    const auto value = rng.below(5);
    ASSERT_LT(value, 5U);
    ++counts[value];
  }
  for (const int count : counts) {
    EXPECT_GT(count, 800);
  }
}

TEST(Rng, ForksDependOnSeedAndLabelOnly) {
  Rng fresh(9), used(9);
  (void)used.next();
  EXPECT_EQ(fresh.fork("shape").next(), used.fork("shape").next());
  EXPECT_NE(fresh.fork("shape").next(), fresh.fork("colour").next());
  EXPECT_NE(fresh.fork("shape").next(), Rng(10).fork("shape").next());
}

}  // namespace
}  // namespace lode
