#include "score/outliers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/rng.h"

namespace lode::score {
namespace {

/// Sorting everything: the 6th smallest distance with itself, the 14th and 15th of 16 averaged.
std::vector<bool> reference_for_16(const std::vector<double>& values) {
  std::vector<double> odd;
  for (const double a : values) {
    std::vector<double> distances;
    for (const double b : values) {
      distances.push_back(std::abs(a - b));
    }
    std::sort(distances.begin(), distances.end());
    odd.push_back(distances[5]);
  }
  std::vector<double> sorted = odd;
  std::sort(sorted.begin(), sorted.end());
  std::vector<bool> stays;
  for (const double o : odd) {
    stays.push_back(o <= sorted[13] + 0.5 * (sorted[14] - sorted[13]));
  }
  return stays;
}

TEST(Outliers, EqualTheDefinitionOnSixteenValues) {
  Rng rng(5);
  for (int round = 0; round < 500; ++round) {
    std::vector<double> values(16);
    for (double& value : values) {
      value = round % 2 == 0 ? rng.uniform() : static_cast<double>(rng.below(6)) / 8;
    }
    EXPECT_EQ(find_inliers(values), reference_for_16(values)) << round;
  }
}

TEST(Outliers, TheTwoFarthestOfSixteenGo) {
  std::vector<double> values;
  for (int i = 0; i < 14; ++i) {
    values.push_back(0.5 + 0.001 * i);
  }
  values.insert(values.begin() + 3, 0.9);
  values.insert(values.begin() + 9, 0.1);
  const std::vector<double> kept = without_outliers(values);
  EXPECT_EQ(kept.size(), 14U);
  EXPECT_EQ(std::count(kept.begin(), kept.end(), 0.9), 0);
  EXPECT_EQ(std::count(kept.begin(), kept.end(), 0.1), 0);
}

TEST(Outliers, EqualValuesAllStay) {
  EXPECT_EQ(without_outliers(std::vector<double>(16, 0.25)).size(), 16U);
}

TEST(Outliers, DoNotDependOnTheOrder) {
  Rng rng(6);
  std::vector<double> values(16);
  for (double& value : values) {
    value = rng.uniform();
  }
  std::vector<double> kept = without_outliers(values);
  std::reverse(values.begin(), values.end());
  std::vector<double> reversed = without_outliers(values);
  std::reverse(reversed.begin(), reversed.end());
  EXPECT_EQ(kept, reversed);
}

TEST(Outliers, FewValuesNansAndNothingAreNoTrouble) {
  EXPECT_TRUE(without_outliers({}).empty());
  EXPECT_EQ(without_outliers(std::vector<double>{0.5}).size(), 1U);
  EXPECT_EQ(without_outliers(std::vector<double>{0.5, 0.5, 0.6}).size(), 3U);
  EXPECT_EQ(without_outliers(std::vector<double>{0.5, 0.51, 0.52, 0.53, 0.54, 9}).size(), 6U);
  EXPECT_EQ(without_outliers(std::vector<double>{0.5, 0.51, 0.52, 0.53, 0.54, 0.55, 9}).size(), 6U);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(without_outliers(std::vector<double>{0.1, nan, 0.9}).size(), 3U);
}

TEST(Outliers, MinusOneIsTheEnginesMark) {
  EXPECT_TRUE(without_outliers(std::vector<double>(16, -1.0)).empty());
}

}  // namespace
}  // namespace lode::score
