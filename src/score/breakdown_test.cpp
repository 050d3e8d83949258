#include "score/breakdown.h"

#include <gtest/gtest.h>

namespace lode::score {
namespace {

constexpr Components kParts{0.61, 0.52, 0.75, 0.72};

ViewValues low_on(int first, int last) {
  ViewValues views{std::vector<double>(16, 0.6), std::vector<double>(16, 0.2), {}, {}};
  for (int i = first; i <= last; ++i) {
    views.alignment[i] = 0.1;
  }
  return views;
}

TEST(Breakdown, IsTheSumAndWhatIsWrong) {
  EXPECT_EQ(explain(kParts, low_on(5, 9)),
            "0.57 = 0.75 x 0.61 + 0.2 x 0.52 + ssim 0.001 + lpips 0.012; "
            "alignment low on views 5-9");
}

TEST(Breakdown, SaysNothingOfEvenViews) {
  EXPECT_EQ(explain(kParts, low_on(1, 0)),
            "0.57 = 0.75 x 0.61 + 0.2 x 0.52 + ssim 0.001 + lpips 0.012");
}

TEST(Breakdown, NamesTheFloorAndWhatIsAbsent) {
  EXPECT_EQ(explain({std::nullopt, 0.24, std::nullopt, 0.8}, {}),
            "0.00: alignment 0.24 is below 0.3; not judged: quality, ssim");
  EXPECT_EQ(explain({0.5, 0.8, std::nullopt, std::nullopt}, low_on(3, 3)),
            "0.56 = (0.75 x 0.50 + 0.2 x 0.80) / 0.95; alignment low on view 3; "
            "not judged: ssim, lpips");
  EXPECT_EQ(explain({}, {}), "no score: nothing was judged");
}

TEST(Breakdown, RangesRunOverTheRingsEnd) {
  EXPECT_EQ(format_ranges(std::vector<int>{5, 6, 7, 12}, 16), "5-7, 12");
  EXPECT_EQ(format_ranges(std::vector<int>{0, 1, 8, 14, 15}, 16), "8, 14-1");
  EXPECT_EQ(format_ranges(std::vector<int>{0, 15}, 16), "15-0");
  EXPECT_EQ(format_ranges({}, 16), "");
}

TEST(Breakdown, LowIsUnderNineTenthsOfTheMedian) {
  EXPECT_EQ(low_views(std::vector<double>{1, 1, 1, 0.89, 0.91}), std::vector<int>{3});
  EXPECT_TRUE(low_views(std::vector<double>{0, 0, -1}).empty());
  EXPECT_TRUE(low_views({}).empty());
}

}  // namespace
}  // namespace lode::score
