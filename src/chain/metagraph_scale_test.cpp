#include "chain/metagraph_scale.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/encoding.h"
#include "base/rng.h"
#include "chain/metagraph_encode.h"
#include "chain/runtime_types.h"
#include "tests/support/mutations.h"

namespace lode::chain {
namespace {

constexpr const char* kAlice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
constexpr const char* kBob = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";
constexpr const char* kAliceHex =
    "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d";
constexpr const char* kBobHex = "8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48";

std::vector<std::uint16_t> asked() {
  return std::get<1>(*scale::decode_all<std::tuple<std::uint16_t, std::vector<std::uint16_t>>>(
      selective_metagraph_arguments(17), "arguments"));
}

Metagraph two_neurons() {
  Metagraph metagraph{17, {}, 6'700'123};
  metagraph.neurons = {
      {0, kAlice, "198.51.100.4", 8091, 1234.5, true, 0, 0.5, 0.25, 6'700'000, 5},
      {1, kBob, "0.0.0.0", 0, 0, false, 1, 0, 3, 0, 6'699'999},
  };
  return metagraph;
}

Metagraph full_subnet() {
  Rng rng(3);
  Metagraph metagraph{17, {}, 6'700'123};
  for (int uid = 0; uid < 256; ++uid) {
    PublicKey key;
    for (auto& byte : key) {
      byte = static_cast<std::uint8_t>(rng.next());
    }
    metagraph.neurons.push_back(
        {uid, ss58_encode(key), uid % 5 == 0 ? "2606:4700::7" : "8.8.4.4",
         static_cast<std::uint16_t>(rng.next()), std::floor(rng.uniform(0, 1e6)), uid % 3 == 0, 0.0,
         1.0, std::floor(rng.uniform(0, 9)), rng.below(1U << 30), rng.below(1U << 30)});
  }
  return metagraph;
}

void expect_same(const Metagraph& got, const Metagraph& wanted) {
  EXPECT_EQ(got.netuid, wanted.netuid);
  EXPECT_EQ(got.block, wanted.block);
  ASSERT_EQ(got.neurons.size(), wanted.neurons.size());
  for (std::size_t i = 0; i < got.neurons.size(); ++i) {
    const Neuron &a = got.neurons[i], &b = wanted.neurons[i];
    EXPECT_EQ(a.uid, b.uid);
    EXPECT_EQ(a.hotkey, b.hotkey);
    EXPECT_EQ(a.ip, b.ip);
    EXPECT_EQ(a.port, b.port);
    EXPECT_DOUBLE_EQ(a.stake, b.stake);
    EXPECT_EQ(a.validator_permit, b.validator_permit);
    EXPECT_NEAR(a.incentive, b.incentive, 1e-4);
    EXPECT_NEAR(a.trust, b.trust, 1e-4);
    EXPECT_DOUBLE_EQ(a.emission, b.emission);
    EXPECT_EQ(a.last_update, b.last_update);
    EXPECT_EQ(a.registered_at, b.registered_at);
  }
}

/// Alice and Bob as the protocol's tables lay them out, written by a separate script. The list of
/// trust is empty, as in later runtimes.
constexpr const char* kSelectiveReply =
    "0144"  // Some, netuid 17
    "000000000000"
    "016ef19801"  // 1 to 6 absent, block 6,700,123
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "0108d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"
    "8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48"
    "0000"  // cold keys, identities
    "01080700000000000000"
    "68778900"
    "046433c6000000000000000000000000"
    "9b1f"
    "04040000"
    "00000000000000000000000000000000000000000000000000000000000000000000"
    "00"
    "01080100"
    "00"  // active, permits, pruning score
    "010882ef98010001"
    "0802ca9a3b03005ed0b2"  // last update, emission
    "00"
    "010800feff0300"
    "00"
    "0100"
    "00"  // dividends ... trust, rank
    "0108147eef9801"
    "0000"  // registered at
    "01080b0019ef6d1f0100"
    "00000000";  // total stake, and later fields

TEST(MetagraphScale, AsksForTheFieldsByIndex) {
  EXPECT_EQ(hex_encode(selective_metagraph_arguments(17)),
            "11002c000007003400370039003b003c003e00400042004500");
  EXPECT_EQ(hex_encode(netuid_argument(258)), "0201");
}

TEST(MetagraphScale, ReadsTheSelectiveReplyOfTheProtocolsTables) {
  const auto got = decode_selective_metagraph(*hex_decode(kSelectiveReply), 17);
  ASSERT_TRUE(got) << got.error().message();
  ASSERT_TRUE(*got);
  Metagraph wanted = two_neurons();
  wanted.neurons[0].trust = 0;
  expect_same(**got, wanted);
}

TEST(MetagraphScale, ReadsTheSameNeuronsFromEveryCall) {
  for (const Metagraph& wanted : {two_neurons(), full_subnet()}) {
    const auto selective =
        decode_selective_metagraph(encode_selective_metagraph(wanted, asked()), 17);
    ASSERT_TRUE(selective) << selective.error().message();
    expect_same(**selective, wanted);
    const auto whole = decode_metagraph(encode_metagraph(wanted), 17);
    ASSERT_TRUE(whole) << whole.error().message();
    expect_same(**whole, wanted);
    const auto lite = decode_neurons_lite(encode_neurons_lite(wanted), encode_subnet_state(wanted),
                                          17, wanted.block);
    ASSERT_TRUE(lite) << lite.error().message();
    expect_same(**lite, wanted);
  }
}

TEST(MetagraphScale, ReadsRepliesWithFieldsThatWereNotAskedFor) {
  std::vector<std::uint16_t> all;
  for (std::uint16_t i = 0; i < kMetagraphFields.size(); ++i) {
    all.push_back(i);
  }
  const auto got = decode_selective_metagraph(encode_selective_metagraph(full_subnet(), all), 17);
  ASSERT_TRUE(got) << got.error().message();
  expect_same(**got, full_subnet());
}

TEST(MetagraphScale, IgnoresFieldsAddedAtTheEnd) {
  Bytes selective = encode_selective_metagraph(two_neurons(), asked());
  Bytes whole = encode_metagraph(two_neurons());
  Bytes state = encode_subnet_state(two_neurons());
  for (Bytes* bytes : {&selective, &whole, &state}) {
    bytes->insert(bytes->end(), {1, 8, 0xde, 0xad, 0xbe, 0xef});
  }
  EXPECT_TRUE(decode_selective_metagraph(selective, 17));
  EXPECT_TRUE(decode_metagraph(whole, 17));
  EXPECT_TRUE(decode_neurons_lite(encode_neurons_lite(two_neurons()), state, 17, 1));
}

TEST(MetagraphScale, TellsAbsentSubnetsFromBrokenBytes) {
  EXPECT_FALSE(decode_selective_metagraph(Bytes{0}, 99).value().has_value());
  EXPECT_FALSE(decode_metagraph(Bytes{0}, 99).value().has_value());
  EXPECT_FALSE(decode_neurons_lite(Bytes{0}, Bytes{0}, 99, 1).value().has_value());
  EXPECT_FALSE(decode_selective_metagraph(Bytes{}, 99));
  EXPECT_FALSE(decode_selective_metagraph(Bytes{2}, 99));
}

TEST(MetagraphScale, NamesWhatDoesNotFit) {
  const auto context = [](const auto& result) { return result.error().context; };
  const Bytes reply = encode_selective_metagraph(two_neurons(), asked());
  EXPECT_EQ(context(decode_selective_metagraph(reply, 3)),
            "metagraph.netuid: 17 was answered, 3 was asked for");
  EXPECT_TRUE(
      context(decode_selective_metagraph(encode_selective_metagraph(two_neurons(), {0, 7, 52}), 17))
          .starts_with("metagraph.axons: not answered, though it was asked for"));
  EXPECT_TRUE(
      context(decode_selective_metagraph(ByteView(reply).first(150), 17))
          .starts_with("metagraph.axons: 2 items are announced, more than the remaining 23"))
      << context(decode_selective_metagraph(ByteView(reply).first(150), 17));
  Bytes uneven = *hex_decode(kSelectiveReply);
  uneven[uneven.size() - 13] = 4;  // one total stake for two hotkeys
  EXPECT_EQ(context(decode_selective_metagraph(uneven, 17)),
            "metagraph.total_stake: 1 entries for 2 hotkeys");
  Metagraph swapped = two_neurons();
  std::swap(swapped.neurons[0].hotkey, swapped.neurons[1].hotkey);
  EXPECT_EQ(context(decode_neurons_lite(encode_neurons_lite(swapped),
                                        encode_subnet_state(two_neurons()), 17, 1)),
            "neurons[0].hotkey: uid 0 is another's in the subnet's state");
}

TEST(MetagraphScale, RefusesEveryTruncation) {
  const Bytes whole = encode_metagraph(two_neurons());
  const Bytes selective = encode_selective_metagraph(two_neurons(), asked());
  const Bytes lite = encode_neurons_lite(two_neurons());
  const Bytes state = encode_subnet_state(two_neurons());
  constexpr std::size_t kAfterStake = 4 + 2;  // options, or fields, after the last that is read
  test::for_each_truncation(ByteView(selective).first(selective.size() - 4),
                            [](const Bytes& cut, std::size_t at) {
                              EXPECT_FALSE(decode_selective_metagraph(cut, 17)) << at;
                            });
  test::for_each_truncation(
      ByteView(whole).first(whole.size() - kAfterStake + 4),
      [](const Bytes& cut, std::size_t at) { EXPECT_FALSE(decode_metagraph(cut, 17)) << at; });
  test::for_each_truncation(lite, [&](const Bytes& cut, std::size_t at) {
    EXPECT_FALSE(decode_neurons_lite(cut, state, 17, 1)) << at;
  });
  test::for_each_truncation(ByteView(state).first(state.size() - 1),
                            [&](const Bytes& cut, std::size_t at) {
                              EXPECT_FALSE(decode_neurons_lite(lite, cut, 17, 1)) << at;
                            });
}

TEST(MetagraphScale, SurvivesEveryBitFlip) {
  const Bytes reply = encode_selective_metagraph(two_neurons(), asked());
  int refused = 0;
  test::for_each_bit_flip(reply, [&](const Bytes& bytes, std::size_t) {
    const auto got = decode_selective_metagraph(bytes, 17);
    refused += got ? 0 : 1;
    if (got && *got) {
      EXPECT_EQ((*got)->netuid, 17);
    }
  });
  EXPECT_GT(refused, 100) << "flips of counts, tags and modes are seen";
}

}  // namespace
}  // namespace lode::chain
