#include "sandbox/roster.h"

#include <gtest/gtest.h>

#include <set>

namespace lode::sandbox {
namespace {

TEST(Roster, SameSeedGivesSameKeysAndAnotherSeedOthers) {
  const auto first = make_roster(3, 7);
  const auto again = make_roster(3, 7);
  const auto other = make_roster(3, 8);
  ASSERT_EQ(first.size(), again.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].neuron.hotkey, again[i].neuron.hotkey);
    EXPECT_EQ(first[i].neuron.stake, again[i].neuron.stake);
    EXPECT_NE(first[i].neuron.hotkey, other[i].neuron.hotkey);
  }
}

TEST(Roster, ValidatorsKeepTheirIdentityWhenMoreAreAdded) {
  EXPECT_EQ(make_roster(2, 7)[1].neuron.hotkey, make_roster(9, 7)[1].neuron.hotkey);
}

TEST(Roster, UidsAndHotkeysAreDistinctAndTheWeightCopierIsUid180) {
  const auto roster = make_roster(kMaxValidators, 1);
  std::set<int> uids;
  std::set<std::string> hotkeys;
  for (const Resident& resident : roster) {
    uids.insert(resident.neuron.uid);
    hotkeys.insert(resident.neuron.hotkey);
    EXPECT_EQ(resident.role == Role::weight_copier, resident.neuron.uid == 180);
  }
  EXPECT_EQ(uids.size(), roster.size());
  EXPECT_EQ(hotkeys.size(), roster.size());
}

TEST(Roster, OnlyTheLowStakeServerAndTheMinerAreBelowTheThreshold) {
  for (const Resident& resident : make_roster(8, 3)) {
    const bool is_low = resident.role == Role::low_stake || resident.role == Role::miner;
    EXPECT_EQ(resident.neuron.stake < 1000, is_low) << resident.neuron.uid;
  }
}

TEST(Roster, SomeValidatorsSpeakTheOlderProtocol) {
  int old = 0;
  for (const Resident& resident : make_roster(8, 3)) old += resident.version == 44;
  EXPECT_EQ(old, 2);
}

}  // namespace
}  // namespace lode::sandbox
