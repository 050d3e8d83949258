#include "chain/mnemonic.h"

#include <gtest/gtest.h>

#include <string>

#include "base/encoding.h"
#include "base/rng.h"

namespace lode::chain {
namespace {

constexpr std::string_view kDevPhrase =
    "bottom drive obey lake curtain smoke basket hold race lonely fit walk";

std::string entropy_hex(std::string_view phrase) {
  const auto entropy = phrase_to_entropy(phrase);
  return entropy ? hex_encode(entropy->view()) : entropy.error().context;
}

TEST(Mnemonic, ReadsThePublishedPhrases) {
  EXPECT_EQ(entropy_hex(kDevPhrase), "1a486a5fbe53639984cb64b070755f7b");
  EXPECT_EQ(entropy_hex("old leopard transfer rib spatial phone calm indicate online fire caution "
                        "review"),
            "9a100b9cdc7d09470823979aeae492dc");
  // BIP39's own vectors of the other lengths
  EXPECT_EQ(entropy_hex("abandon abandon abandon abandon abandon abandon abandon abandon abandon "
                        "abandon abandon abandon abandon abandon abandon abandon abandon agent"),
            std::string(48, '0'));
  EXPECT_EQ(entropy_hex("zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo "
                        "zoo zoo zoo zoo zoo vote"),
            std::string(64, 'f'));
}

TEST(Mnemonic, DerivesThePublishedMiniSecrets) {
  const auto mini = [](std::string_view phrase) {
    return hex_encode(entropy_to_mini_secret(phrase_to_entropy(phrase)->view()).view());
  };
  EXPECT_EQ(mini(kDevPhrase), "fac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e");
  EXPECT_EQ(mini("old leopard transfer rib spatial phone calm indicate online fire caution review"),
            "da3cf5b1e9144931a0f0db65664aab662673b099415a7f8121b7245fb0be4143");
  EXPECT_EQ(hex_encode(entropy_to_mini_secret(Bytes(16), "Substrate").view()),
            "44e9d125f037ac1d51f0a7d3649689d422c2af8b1ec8e00d71db4d7bf6d127e3");
}

TEST(Mnemonic, PhrasesOfEveryLengthRoundTrip) {
  Rng rng(4);
  for (std::size_t size = 16; size <= 32; size += 4) {
    for (int round = 0; round < 20; ++round) {
      Bytes entropy(size);
      for (auto& byte : entropy) {
        byte = static_cast<std::uint8_t>(rng.next());
      }
      const SecretBytes phrase = entropy_to_phrase(entropy);
      EXPECT_EQ(entropy_hex(phrase.text()), hex_encode(entropy));
    }
  }
}

TEST(Mnemonic, ToleratesWhiteSpaceBetweenWords) {
  EXPECT_EQ(
      entropy_hex("  bottom drive\tobey lake curtain\nsmoke basket hold race lonely fit walk\r\n"),
      "1a486a5fbe53639984cb64b070755f7b");
}

TEST(Mnemonic, RefusesEveryWrongLastWordButThoseOfTheSameChecksum) {
  // 4 bits of checksum for 12 words: of 2048 last words 128 fit.
  const std::string start = "bottom drive obey lake curtain smoke basket hold race lonely fit ";
  int fitting = 0;
  for (unsigned word = 0; word < 2048; ++word) {
    Bytes entropy(32);
    entropy[0] = static_cast<std::uint8_t>(word >> 3);
    entropy[1] = static_cast<std::uint8_t>(word << 5);
    const SecretBytes phrase = entropy_to_phrase(entropy);
    const std::string first(phrase.text().substr(0, phrase.text().find(' ')));
    fitting += phrase_to_entropy(start + first).has_value() ? 1 : 0;
  }
  EXPECT_EQ(fitting, 128);
}

TEST(Mnemonic, NamesThePlaceOfAnUnknownWordAndNeverTheWord) {
  const auto entropy =
      phrase_to_entropy("bottom drive obey sesame curtain smoke basket hold race lonely fit walk");
  ASSERT_FALSE(entropy);
  EXPECT_EQ(entropy.error().code, Errc::invalid_input);
  EXPECT_NE(entropy.error().context.find("word 4"), std::string::npos);
  EXPECT_EQ(entropy.error().context.find("sesame"), std::string::npos);
}

TEST(Mnemonic, RefusesSwappedWordsAndOtherCounts) {
  EXPECT_NE(entropy_hex("drive bottom obey lake curtain smoke basket hold race lonely fit walk")
                .find("checksum"),
            std::string::npos);
  for (const std::size_t count : {0, 1, 3, 9, 11, 13, 14, 23, 25, 27}) {
    std::string phrase;
    for (std::size_t i = 0; i < count; ++i) {
      phrase += "zoo ";
    }
    EXPECT_NE(entropy_hex(phrase).find("words"), std::string::npos) << count;
  }
  EXPECT_NE(entropy_hex("Bottom drive obey lake curtain smoke basket hold race lonely fit walk")
                .find("word 1"),
            std::string::npos);
  EXPECT_EQ(phrase_to_entropy(std::string(kMaxPhraseBytes + 1, ' ')).error().code,
            Errc::limit_exceeded);
}

}  // namespace
}  // namespace lode::chain
