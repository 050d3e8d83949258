#include "chain/weight_hints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/rng.h"

namespace lode::chain {
namespace {

ValidatorWeights random_weights(int uid, std::uint64_t last_update, std::uint64_t seed) {
  Rng rng(seed);
  ValidatorWeights validator{uid, last_update, {}};
  for (std::uint16_t miner = 0; miner < 256; ++miner) {
    validator.weights.emplace_back(miner, 24602 + rng.below(65535 - 24602));
  }
  return validator;
}

TEST(WeightHints, PointsAtTheLaterOfTwoEqualOnes) {
  ValidatorWeights copier = random_weights(180, 5030, 1);
  for (auto& [uid, weight] : copier.weights) {
    weight = static_cast<std::uint16_t>(weight / 2);  // another scale and its rounding
  }
  const auto hints =
      weight_hints({random_weights(5, 5000, 1), copier, random_weights(46, 4990, 2)});
  ASSERT_EQ(hints.size(), 3U);
  EXPECT_FALSE(hints[0].looks_copied) << "it was there first";
  EXPECT_TRUE(hints[1].looks_copied);
  EXPECT_EQ(hints[1].nearest_uid, 5);
  EXPECT_GT(hints[1].nearest_cosine, kCopyCosine);
  EXPECT_LT(hints[1].mean_cosine, 0.99);
  EXPECT_THAT(hints[1].text, testing::HasSubstr("nearest uid 5 (cosine 1.0"));
  EXPECT_THAT(hints[1].text, testing::HasSubstr("30 blocks after"));
  EXPECT_THAT(hints[1].text, testing::HasSubstr("--blacklist 180"));
  EXPECT_FALSE(hints[2].looks_copied);
  EXPECT_LT(hints[2].nearest_cosine, 0.99);
  EXPECT_THAT(hints[2].text, testing::Not(testing::HasSubstr("blacklist")));
}

TEST(WeightHints, LeavesOutValidatorsWithoutWeights) {
  EXPECT_TRUE(weight_hints({}).empty());
  EXPECT_TRUE(weight_hints({random_weights(5, 1, 1), {7, 1, {}}}).empty());
  const auto hints = weight_hints({random_weights(5, 1, 1), {7, 1, {}}, random_weights(9, 1, 2)});
  ASSERT_EQ(hints.size(), 2U);
  EXPECT_EQ(hints[1].uid, 9);
}

TEST(WeightHints, FindsNothingAlikeInWeightsOfDifferentMinersOrOfZero) {
  const auto hints = weight_hints({{1, 9, {{3, 100}}}, {2, 8, {{4, 100}}}, {3, 7, {{3, 0}}}});
  for (const WeightHint& hint : hints) {
    EXPECT_EQ(hint.nearest_cosine, 0) << hint.uid;
    EXPECT_FALSE(hint.looks_copied);
  }
}

}  // namespace
}  // namespace lode::chain
