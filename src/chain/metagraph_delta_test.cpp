#include "chain/metagraph_delta.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lode::chain {
namespace {

Metagraph base() {
  return {17,
          {{1, "5A", "8.8.8.8", 8091, 5000, true},
           {2, "5B", "0.0.0.0", 0, 999, false},
           {3, "5C", "8.8.4.4", 9000, 2000, true}},
          100};
}

std::vector<ChangeKind> kinds(const Metagraph& after) {
  std::vector<ChangeKind> result;
  for (const Change& change : changes_between(base(), after, 1000)) {
    result.push_back(change.kind);
  }
  return result;
}

TEST(MetagraphDelta, IsEmptyForTheSameNeurons) {
  Metagraph later = base();
  later.block = 200;
  later.neurons[0].stake = 4000;  // still above
  later.neurons[1].emission = 7;
  EXPECT_TRUE(kinds(later).empty());
}

TEST(MetagraphDelta, TellsWhoTookAUid) {
  Metagraph after = base();
  after.neurons[1].hotkey = "5D";
  const auto changes = changes_between(base(), after, 1000);
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].kind, ChangeKind::left);
  EXPECT_EQ(changes[0].hotkey, "5B");
  EXPECT_EQ(changes[0].text, "uid 2 (5B) left the subnet");
  EXPECT_EQ(changes[1].kind, ChangeKind::joined);
  EXPECT_EQ(changes[1].hotkey, "5D");
  EXPECT_EQ(changes[1].text, "uid 2 (5D) joined the subnet with stake 999, not serving");
}

TEST(MetagraphDelta, TellsMovedAxonsOfValidatorsOnly) {
  Metagraph after = base();
  after.neurons[0].port = 8092;
  after.neurons[1].ip = "9.9.9.9";
  const auto changes = changes_between(base(), after, 1000);
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].text, "uid 1 (5A) moved its axon from 8.8.8.8:8091 to 8.8.8.8:8092");
}

TEST(MetagraphDelta, TellsStakeThatCrossesTheFilterAndPermits) {
  Metagraph after = base();
  after.neurons[0].stake = 999.9;
  after.neurons[1].stake = 1000;
  after.neurons[1].validator_permit = true;
  after.neurons[2].validator_permit = false;
  EXPECT_THAT(kinds(after),
              testing::ElementsAre(ChangeKind::stake_below, ChangeKind::stake_above,
                                   ChangeKind::permit_gained, ChangeKind::permit_lost));
}

}  // namespace
}  // namespace lode::chain
