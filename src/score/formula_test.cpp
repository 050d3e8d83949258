#include "score/formula.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lode::score {
namespace {

constexpr Components kTypical{0.61, 0.52, 0.75, 0.72};

TEST(Formula, IsTheEnginesWeightedSum) {
  const Score score = final_score(kTypical);
  const double ssim = 0.025 / (1 + std::exp(-35 * (0.75 - 0.83)));
  const double lpips = 0.025 * 0.72 / (1 + std::exp(-30 * (0.72 - 0.7)));
  EXPECT_DOUBLE_EQ(*score.value, 0.75 * 0.61 + 0.2 * 0.52 + ssim + lpips);
  EXPECT_TRUE(score.is_complete());
  EXPECT_DOUBLE_EQ(*score.value,
                   score.quality_term + score.alignment_term + score.ssim_term + score.lpips_term);
  EXPECT_NEAR(score.weight, 1, 1e-12);
}

TEST(Formula, IsNotClamped) { EXPECT_GT(*final_score({1.0, 1.4, 1.0, 1.0}).value, 1.05); }

TEST(Formula, AlignmentUnderTheFloorScoresNothing) {
  EXPECT_EQ(*final_score({1.0, 0.2999, 1.0, 1.0}).value, 0);
  EXPECT_TRUE(final_score({1.0, 0.2999, 1.0, 1.0}).is_below_floor);
  EXPECT_GT(*final_score({1.0, 0.3, 1.0, 1.0}).value, 0.8);
  EXPECT_EQ(*final_score({std::nullopt, 0.2, std::nullopt, std::nullopt}).value, 0);
}

TEST(Formula, AbsentPartsCountAsThePresentOnes) {
  EXPECT_DOUBLE_EQ(*final_score({std::nullopt, 0.8, std::nullopt, std::nullopt}).value, 0.8);
  const Score score = final_score({0.5, 0.8, std::nullopt, std::nullopt});
  EXPECT_DOUBLE_EQ(*score.value, (0.75 * 0.5 + 0.2 * 0.8) / 0.95);
  EXPECT_FALSE(score.is_complete());
  EXPECT_EQ(absent_parts({0.5, 0.8, std::nullopt, std::nullopt}),
            (std::vector<std::string>{"ssim", "lpips"}));
}

TEST(Formula, NothingJudgedIsNoScore) {
  EXPECT_FALSE(final_score({}).value.has_value());
  EXPECT_EQ(absent_parts({}).size(), 4U);
}

TEST(Formula, NanScoresNothing) { EXPECT_EQ(*final_score({0.9, std::nan(""), 0.9, 0.9}).value, 0); }

TEST(Formula, GeometricMeanHasTheEnginesEdges) {
  EXPECT_NEAR(geometric_mean(std::vector<double>{0.5, 2}), 1, 1e-15);
  EXPECT_EQ(geometric_mean(std::vector<double>{0, 0.7}), 0);
  EXPECT_TRUE(std::isnan(geometric_mean(std::vector<double>{-0.1, 0.7})));
  EXPECT_TRUE(std::isnan(geometric_mean({})));
}

TEST(Formula, TextAlignmentIsCutThenDividedByItsFullCosine) {
  EXPECT_NEAR(text_alignment(std::vector<double>(16, 0.35)), 1, 1e-12);
  EXPECT_NEAR(text_alignment(std::vector<double>(16, 0.105)), 0.3, 1e-12);
  std::vector<double> negative(16, -0.2);
  EXPECT_EQ(text_alignment(negative), 0);
  EXPECT_TRUE(std::isnan(image_alignment(negative)));
}

TEST(Formula, OutliersAreDroppedFromAlignmentAndPairsButNotFromQuality) {
  std::vector<double> values(16, 0.4);
  values[7] = 0.9;
  EXPECT_NEAR(image_alignment(values), 0.4, 1e-12);
  EXPECT_NEAR(pairwise_ssim(values), 0.4, 1e-12);
  EXPECT_NEAR(pairwise_lpips(values), 0.6, 1e-12);
  EXPECT_NEAR(mean_quality(values), (15 * 0.4 + 0.9) / 16, 1e-12);
}

TEST(Formula, ADuplicateViewsZeroDistanceIsDropped) {
  // The last view is the first again, so one pair has distance 0: with it the mean would be 0.
  std::vector<double> distances;
  for (int i = 0; i < 15; ++i) {
    distances.push_back(0.2 + 0.004 * i);
  }
  distances.push_back(0);
  EXPECT_NEAR(pairwise_lpips(distances), 0.77, 0.01);
}

}  // namespace
}  // namespace lode::score
