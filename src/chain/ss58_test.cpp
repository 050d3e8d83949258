#include "chain/ss58.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/rng.h"

namespace lode::chain {
namespace {

constexpr std::string_view kAliceAddress = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
constexpr std::string_view kAlphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

std::string refusal(std::string_view address) {
  const auto key = ss58_decode(address);
  return key ? "accepted" : key.error().context;
}

TEST(Ss58, MatchesTheWellKnownAddressOfAlice) {
  const auto key = ss58_decode(kAliceAddress);
  ASSERT_TRUE(key);
  EXPECT_EQ(hex_encode(*key), "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d");
  EXPECT_EQ(ss58_encode(*key), kAliceAddress);
}

TEST(Ss58, RoundTripsRandomAndExtremeKeys) {
  Rng rng(3);
  for (int round = 0; round < 200; ++round) {
    PublicKey key;
    for (auto& byte : key) {
      byte = round == 0 ? 0 : round == 1 ? 0xff : static_cast<std::uint8_t>(rng.next());
    }
    const std::string address = ss58_encode(key);
    EXPECT_TRUE(address.size() == 47 || address.size() == 48) << address;
    const auto decoded = ss58_decode(address);
    ASSERT_TRUE(decoded) << address;
    EXPECT_EQ(*decoded, key);
  }
}

TEST(Ss58, RefusesEverySingleCharacterReplacement) {
  for (std::size_t at = 0; at < kAliceAddress.size(); ++at) {
    for (const char c : kAlphabet) {
      std::string address(kAliceAddress);
      if (address[at] != c) {
        address[at] = c;
        EXPECT_FALSE(ss58_decode(address)) << address;
      }
    }
  }
}

TEST(Ss58, NamesWhatIsWrong) {
  const std::string alice(kAliceAddress);
  EXPECT_NE(refusal("5Grwva0F5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY").find("character 7"),
            std::string::npos);
  for (const std::string& address :
       {std::string(), std::string("5"), alice + "Y", "1" + alice.substr(1), "1" + alice,
        alice.substr(0, 46), std::string(48, 'z'), std::string(100'000, '5')}) {
    EXPECT_NE(refusal(address).find("length"), std::string::npos) << address.substr(0, 60);
  }
  // Polkadot's own form of Alice's key: prefix 0 in front of the same 32 bytes.
  EXPECT_NE(refusal("15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5").find("length"),
            std::string::npos);
  // Kusama's: prefix 2.
  EXPECT_NE(refusal("HNZata7iMYWmk5RvZRTiAsSDhV8366zq2YGb3tLH5Upf74F").find("prefix 2"),
            std::string::npos);
  EXPECT_NE(refusal("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ").find("checksum"),
            std::string::npos);
}

}  // namespace
}  // namespace lode::chain
