#include "base/nearest_word.h"

#include <gtest/gtest.h>

#include <vector>

namespace lode {
namespace {

TEST(NearestWord, CountsEdits) {
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("same", "same"), 0U);
}

TEST(NearestWord, PrefersAWordCutShort) {
  const std::vector<std::string> known = {"rate", "radius_of_the_camera", "iters"};
  EXPECT_EQ(nearest_word("radius", known), "radius_of_the_camera");
  EXPECT_EQ(nearest_word("itrs", known), "iters");
  EXPECT_EQ(nearest_word("x", {}), "");
}

TEST(NearestWord, BearsVeryLongWords) {
  const std::vector<std::string> known = {"aaa", "bbb"};
  EXPECT_EQ(nearest_word("bb" + std::string(10'000'000, 'x'), known), "bbb");
}

}  // namespace
}  // namespace lode
