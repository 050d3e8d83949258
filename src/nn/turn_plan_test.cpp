// Who keeps its weights while others run.
#include "nn/turn_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lode::nn {
namespace {

using testing::HasSubstr;

class TurnPlan : public testing::Test {
 protected:
  std::vector<bool> stay(std::optional<std::uint64_t> budget) const {
    std::vector<bool> stays;
    for (const Turn& turn : plan_turns(demands_, favourites_, budget).value()) {
      stays.push_back(turn.stays);
    }
    return stays;
  }

  // Weights, of them at once, activations.
  std::vector<TurnDemand> demands_ = {
      {"encoder", {20, 20}, 15}, {"unet", {100, 10}, 8}, {"text", {50, 5}, 2}};
  std::vector<std::vector<std::size_t>> favourites_ = {{0, 1}, {1}};
};

using Bools = std::vector<bool>;

TEST_F(TurnPlan, KeepsAllThenTheFirstFavouritesThatFit) {
  EXPECT_EQ(stay(std::nullopt), (Bools{true, true, true}));
  EXPECT_EQ(stay(185), (Bools{true, true, true}));
  EXPECT_EQ(stay(184), (Bools{true, true, false}));
  EXPECT_EQ(stay(172), (Bools{true, true, false}));
  EXPECT_EQ(stay(171), (Bools{false, true, false}));
  EXPECT_EQ(stay(152), (Bools{false, true, false}));
  EXPECT_EQ(stay(151), (Bools{false, false, false}));
}

TEST_F(TurnPlan, LeavesEachWhatTheOthersDoNotHold) {
  const auto turns = plan_turns(demands_, favourites_, 172).value();
  EXPECT_EQ(turns[0].budget_bytes, 172U - 15 - 100);
  EXPECT_EQ(turns[1].budget_bytes, 172U - 8 - 20);
  EXPECT_EQ(turns[2].budget_bytes, 172U - 2 - 120);
  EXPECT_FALSE(plan_turns(demands_, favourites_, std::nullopt).value()[0].budget_bytes);
}

TEST_F(TurnPlan, NamesWhoNeedsMost) {
  EXPECT_TRUE(plan_turns(demands_, favourites_, 35));
  const auto refused = plan_turns(demands_, favourites_, 34);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::out_of_resource);
  EXPECT_THAT(refused.error().context, HasSubstr("encoder needs 35"));
}

}  // namespace
}  // namespace lode::nn
