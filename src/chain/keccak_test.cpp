#include "chain/keccak.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "base/encoding.h"

namespace lode::chain {
namespace {

/// SHA3-256 of a message shorter than one block (136 bytes), built on the permutation alone.
std::string sha3_256_of_short(std::string_view message) {
  std::array<std::uint8_t, 200> state{};
  std::memcpy(state.data(), message.data(), message.size());
  state[message.size()] ^= 0x06;
  state[135] ^= 0x80;
  std::array<std::uint64_t, 25> lanes;
  std::memcpy(lanes.data(), state.data(), state.size());
  keccak_f1600(lanes);
  std::memcpy(state.data(), lanes.data(), state.size());
  return hex_encode({state.data(), 32});
}

TEST(Keccak, MatchesThePublishedPermutationOfZero) {
  std::array<std::uint64_t, 25> lanes{};
  keccak_f1600(lanes);
  EXPECT_EQ(lanes[0], 0xf1258f7940e1dde7ULL);
  EXPECT_EQ(lanes[24], 0xeaf1ff7b5ceca249ULL);
  keccak_f1600(lanes);
  EXPECT_EQ(lanes[0], 0x2d5c954df96ecb3cULL);
}

TEST(Keccak, GivesTheSha3VectorsOfFips202) {
  EXPECT_EQ(sha3_256_of_short(""),
            "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a");
  EXPECT_EQ(sha3_256_of_short("abc"),
            "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532");
}

}  // namespace
}  // namespace lode::chain
