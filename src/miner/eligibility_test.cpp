#include "miner/eligibility.h"

#include <gtest/gtest.h>

namespace lode::miner {
namespace {

constexpr const char* kAlice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

chain::Neuron good() { return {7, kAlice, "10.0.0.1", 8091, 5000, true}; }

TEST(Eligibility, AsksAServingValidatorWithEnoughStake) {
  EXPECT_EQ(reason_to_skip(good(), {}), std::nullopt);
  chain::Neuron exact = good();
  exact.stake = 1000;
  EXPECT_EQ(reason_to_skip(exact, {}), std::nullopt) << "the minimum itself is enough";
}

TEST(Eligibility, GivesAReasonForEachFilter) {
  chain::Neuron poor = good(), absent = good(), portless = good();
  poor.stake = 999.4;
  absent.ip = "0.0.0.0";
  portless.port = 0;
  EXPECT_EQ(reason_to_skip(poor, {}), "stake 999.4 is below the minimum of 1000");
  EXPECT_EQ(reason_to_skip(absent, {}), "not serving: its axon address is 0.0.0.0");
  EXPECT_EQ(reason_to_skip(portless, {}), "not serving: its axon port is 0");
}

TEST(Eligibility, AsksPrivateAxonsOnALocalChainOnly) {
  Config finney;
  finney.allow_private_axons = false;
  for (const char* ip : {"10.0.0.1", "127.0.0.1", "192.168.1.1", "fd00::1", "169.254.169.254"}) {
    chain::Neuron neuron = good();
    neuron.ip = ip;
    EXPECT_EQ(reason_to_skip(neuron, {}), std::nullopt) << ip;
    EXPECT_EQ(reason_to_skip(neuron, finney), std::string("its axon address ") + ip +
                                                  " is private: not reachable on a public chain");
  }
  chain::Neuron public_v6 = good(), multicast = good(), zero_v6 = good();
  public_v6.ip = "2606:4700::1";
  multicast.ip = "224.0.0.1";
  zero_v6.ip = "::";
  EXPECT_EQ(reason_to_skip(public_v6, finney), std::nullopt) << "IPv6 is served";
  EXPECT_TRUE(reason_to_skip(multicast, {}).has_value());
  EXPECT_TRUE(reason_to_skip(zero_v6, {}).has_value());
}

TEST(Eligibility, BlacklistsUid180ByDefaultAndOthersByEitherName) {
  chain::Neuron copier = good();
  copier.uid = 180;
  EXPECT_TRUE(reason_to_skip(copier, {}).value().starts_with("blacklisted by uid 180"));
  Config by_hotkey;
  by_hotkey.blacklist = {{-1, kAlice, "copies weights"}};
  EXPECT_EQ(reason_to_skip(good(), by_hotkey), "blacklisted by hotkey: copies weights");
  Config none;
  none.blacklist.clear();
  EXPECT_EQ(reason_to_skip(copier, none), std::nullopt);
}

TEST(Eligibility, KeepsPlainMinersOutOfTheLedger) {
  chain::Neuron miner = good();
  miner.validator_permit = false;
  miner.stake = 3;
  EXPECT_FALSE(is_validator(miner, {}));
  miner.uid = 180;
  EXPECT_TRUE(is_validator(miner, {})) << "a blacklisted neuron is shown with its reason";
}

TEST(Blacklist, ParsesUidsAndHotkeysWithReasons) {
  EXPECT_EQ(parse_blacklist_entry("180=copier")->uid, 180);
  EXPECT_EQ(parse_blacklist_entry("180=copier")->reason, "copier");
  EXPECT_EQ(parse_blacklist_entry("uid:7")->uid, 7);
  const auto hotkey = parse_blacklist_entry(std::string(kAlice) + "=x=y");
  ASSERT_TRUE(hotkey);
  EXPECT_EQ(hotkey->hotkey, kAlice);
  EXPECT_EQ(hotkey->reason, "x=y");
}

TEST(Blacklist, RefusesWhatIsNeither) {
  for (const char* bad : {"", "-3", "uid:", "abc", "5Grwva", "18 0"}) {
    EXPECT_FALSE(parse_blacklist_entry(bad)) << bad;
  }
}

}  // namespace
}  // namespace lode::miner
