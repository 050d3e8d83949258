#include "chain/network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lode::chain {
namespace {

TEST(Network, KnowsTheSdksNamesAndTakesAddresses) {
  EXPECT_EQ(network_url("finney"), "wss://entrypoint-finney.opentensor.ai:443");
  EXPECT_EQ(network_url("test"), "wss://test.finney.opentensor.ai:443");
  EXPECT_EQ(network_url("local"), "ws://127.0.0.1:9944");
  EXPECT_EQ(network_url("ws://10.0.0.1:1"), "ws://10.0.0.1:1");
}

TEST(Network, PrefersNamedEndpointsInTheirOrder) {
  EXPECT_THAT(endpoint_urls("test", {}),
              testing::ElementsAre("wss://test.finney.opentensor.ai:443"));
  EXPECT_THAT(endpoint_urls("test", {"ws://a:1", "finney"}),
              testing::ElementsAre("ws://a:1", "wss://entrypoint-finney.opentensor.ai:443"));
}

TEST(Network, TakesItsNameFromTheFirstEndpointUnlessItIsGiven) {
  EXPECT_EQ(network_name("", {}), "finney");
  EXPECT_EQ(network_name("test", {"ws://127.0.0.1:9944"}), "test");
  EXPECT_EQ(network_name("", {"test", "finney"}), "test");
  EXPECT_EQ(network_name("", {"wss://test.finney.opentensor.ai:443"}), "test");
  for (const char* local : {"ws://127.0.0.1:1", "ws://localhost:9944", "ws://[::1]:9944"}) {
    EXPECT_EQ(network_name("", {local}), "local");
  }
  EXPECT_EQ(network_name("", {"wss://node.example"}), "wss://node.example");
}

TEST(Network, TellsPublicNetworksFromOnesOwn) {
  for (const char* name : {"finney", "test", "archive"}) {
    EXPECT_TRUE(is_public_network(name));
  }
  for (const char* name : {"local", "ws://127.0.0.1:9944", ""}) {
    EXPECT_FALSE(is_public_network(name));
  }
}

TEST(Network, AdvisesWithTheCommandToRun) {
  const std::string advice = registration_advice("5Grw", 17, "finney");
  EXPECT_THAT(advice, testing::HasSubstr("5Grw is not registered on netuid 17 of finney"));
  EXPECT_THAT(advice,
              testing::HasSubstr("btcli subnet register --netuid 17 --subtensor.network finney"));
}

}  // namespace
}  // namespace lode::chain
