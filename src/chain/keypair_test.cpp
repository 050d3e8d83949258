#include "chain/keypair.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/rng.h"

namespace lode::chain {
namespace {

constexpr std::string_view kAliceMini =
    "e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a";
constexpr std::string_view kAliceSecret =
    "33a6f3093f158a7109f679410bef1a0c54168145e0cecb4df006c1c2fffb1f09"
    "925a225d97aa00682d6a59b95b18780c10d7032336e88f3442b42361f4a66011";
constexpr std::string_view kAlicePublic =
    "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d";
constexpr std::string_view kAliceAddress = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

Keypair from_mini(std::string_view hex) { return *Keypair::from_mini_secret(*hex_decode(hex)); }
Keypair alice() { return from_mini(kAliceMini); }
void zero_entropy(std::span<std::uint8_t> out) { std::fill(out.begin(), out.end(), 0); }

template <std::size_t N>
std::array<std::uint8_t, N> fixed(std::string_view hex) {
  const Bytes bytes = *hex_decode(hex);
  std::array<std::uint8_t, N> out{};
  EXPECT_EQ(bytes.size(), N);
  std::copy_n(bytes.begin(), std::min(N, bytes.size()), out.begin());
  return out;
}

TEST(Keypair, DerivesPublicKeysOfPublishedMiniSecrets) {
  const struct {
    const char *mini, *public_key, *address;
  } vectors[] = {
      {"e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a",
       "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d",
       "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"},  // //Alice
      {"398f0c28f98885e046333d4a41c19cee4c37368a9832c6502f6cfd182e2aef89", nullptr,
       "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"},  // //Bob
      {"fac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e",
       "46ebddef8cd9bb167dc30878d7113b7e168e6f0646beffd77d69d39bad76b47a",
       "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV"},  // Substrate's development phrase
      {"da3cf5b1e9144931a0f0db65664aab662673b099415a7f8121b7245fb0be4143",
       "e4359ad3e2716c539a1d663ebd0a51bdc5c98a12e663bb4c4402db47828c9446",
       "5HDvhV6WDCjCKyrXqGQSDYqQAzkzabNhctmiDYEqgBC66BsX"},  // btwallet's test phrase
      {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
       "44a996beb1eef7bdcab976ab6d2ca26104834164ecf28fb375600576fcc6eb0f", nullptr},
  };
  for (const auto& vector : vectors) {
    const Keypair keypair = from_mini(vector.mini);
    if (vector.public_key != nullptr) {
      EXPECT_EQ(hex_encode(keypair.public_key()), vector.public_key);
    }
    if (vector.address != nullptr) {
      EXPECT_EQ(keypair.ss58(), vector.address);
    }
  }
}

TEST(Keypair, ReadsTheExpandedSecretAsTheSameKey) {
  const Keypair keypair = *Keypair::from_secret(*hex_decode(kAliceSecret));
  EXPECT_EQ(hex_encode(keypair.public_key()), kAlicePublic);
  // The nonce is part of the secret: with it known entropy gives the known signature.
  EXPECT_EQ(keypair.sign(as_bytes("hello"), zero_entropy),
            alice().sign(as_bytes("hello"), zero_entropy));
}

TEST(Keypair, RefusesSecretsOfWrongLengthOrScalar) {
  for (const std::size_t length : {0, 31, 33, 64}) {
    EXPECT_FALSE(Keypair::from_mini_secret(Bytes(length, 1))) << length;
  }
  for (const std::size_t length : {0, 32, 63, 65}) {
    EXPECT_FALSE(Keypair::from_secret(Bytes(length, 1))) << length;
  }
  EXPECT_FALSE(Keypair::from_secret(Bytes(64, 0)));     // scalar zero
  EXPECT_FALSE(Keypair::from_secret(Bytes(64, 0xff)));  // scalar above the order
  Bytes order = *hex_decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  order.resize(64);
  EXPECT_FALSE(Keypair::from_secret(order));
  order[0] -= 1;
  EXPECT_TRUE(Keypair::from_secret(order));
}

TEST(Keypair, SignsKnownMessagesKnownlyWithoutEntropy) {
  const std::pair<std::string, const char*> vectors[] = {
      {"hello",
       "e28c30f4af7f3ed42bbf7cf458f65bca1eba691ed1f5d51db8df2a0214aef91d"
       "f9e49a7fd71377e4154ac00c9a6806aced19f383a7f1fa96a58436036317768b"},
      {"1757400000123456789.5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY."
       "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty.b7d2a5ce-8d6e-11f0-9c1e-0242ac120002."
       "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a",
       "06dd4816846b37298bfb2eb73407d2425d894181de3cca54d48712f77cfdaf5f"
       "fd56bb61b770a17811a50e4a441a9ad1b2fe106edf1ff7d5d3e7ea1335e35a84"}};
  const Keypair keypair = alice();
  for (const auto& [message, signature] : vectors) {
    EXPECT_EQ(hex_encode(keypair.sign(as_bytes(message), zero_entropy)), signature) << message;
  }
}

TEST(Keypair, VerifiesThePublishedSignature) {
  const auto key = fixed<32>("46ebddef8cd9bb167dc30878d7113b7e168e6f0646beffd77d69d39bad76b47a");
  const auto signature = fixed<64>(
      "4e172314444b8f820bb54c22e95076f220ed25373e5c178234aa6c211d292712"
      "44b947e3ff3418ff6b45fd1df1140c8cbff69fc58ee6dc96df70936a2bb74b82");
  EXPECT_TRUE(verify(key, as_bytes("this is a message"), signature));
  EXPECT_FALSE(verify(key, as_bytes("this is b message"), signature));
}

TEST(Keypair, SignaturesOfRandomMessagesVerify) {
  Rng rng(1);
  const Keypair keypair = alice();
  for (int round = 0; round < 50; ++round) {
    Bytes message(rng.below(600));
    for (auto& byte : message) {
      byte = static_cast<std::uint8_t>(rng.next());
    }
    EXPECT_TRUE(verify(keypair.public_key(), message, keypair.sign(message))) << message.size();
  }
}

TEST(Keypair, EveryFlippedBitBreaksASignature) {
  const Keypair keypair = alice();
  const Bytes message(40, 0x33);
  const Signature signature = keypair.sign(message);
  for (std::size_t bit = 0; bit < 8 * signature.size(); ++bit) {
    Signature broken = signature;
    broken[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_FALSE(verify(keypair.public_key(), message, broken)) << "signature bit " << bit;
  }
  for (std::size_t bit = 0; bit < 8 * 32; ++bit) {
    PublicKey broken = keypair.public_key();
    broken[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_FALSE(verify(broken, message, signature)) << "key bit " << bit;
  }
  for (std::size_t bit = 0; bit < 8 * message.size(); ++bit) {
    Bytes broken = message;
    broken[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_FALSE(verify(keypair.public_key(), broken, signature)) << "message bit " << bit;
  }
}

TEST(Keypair, RefusesASignatureWhoseScalarIsNotReduced) {
  // s + L signs as well as s in the group; only the canonical form may pass.
  const auto order = fixed<32>("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  const Keypair keypair = alice();
  Signature signature = keypair.sign(as_bytes("hello"));
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += signature[32 + i] + order[i];
    signature[32 + i] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
  ASSERT_NE(signature[63] & 0x80, 0);
  EXPECT_FALSE(verify(keypair.public_key(), as_bytes("hello"), signature));
}

TEST(Keypair, RefusesTheIdentityAsKey) {
  // With A = 0 the equation R = s B - k A holds for s = 1, R = B and any message.
  Signature signature = fixed<64>(
      "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"
      "0100000000000000000000000000000000000000000000000000000000000080");
  EXPECT_FALSE(verify(PublicKey{}, as_bytes("hello"), signature));
}

TEST(Keypair, SignsDifferentlyEachTime) {
  const Keypair keypair = alice();
  EXPECT_NE(keypair.sign(as_bytes("hello")), keypair.sign(as_bytes("hello")));
}

TEST(Keypair, GeneratesAKeyFromItsEntropyAlone) {
  EXPECT_NE(Keypair::generate().ss58(), Keypair::generate().ss58());
  EXPECT_EQ(Keypair::generate(zero_entropy).ss58(), from_mini(std::string(64, '0')).ss58());
}

TEST(Keypair, SignsAfterAMove) {
  Keypair first = alice();
  const Keypair second = std::move(first);
  EXPECT_TRUE(verify(second.public_key(), as_bytes("x"), second.sign(as_bytes("x"))));
  EXPECT_EQ(second.ss58(), kAliceAddress);
}

}  // namespace
}  // namespace lode::chain
