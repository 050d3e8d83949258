#include "chain/derivation.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace lode::chain {
namespace {

const std::string kDevPhrase =
    "bottom drive obey lake curtain smoke basket hold race lonely fit walk";

std::string address(const std::string& uri) {
  const auto key = key_from_secret_uri(uri);
  return key ? key->keypair.ss58() : key.error().context;
}

// Addresses as btwallet 4.0.0's Keypair.create_from_uri gives them.
TEST(Derivation, GivesTheAddressesOfBtwallet) {
  const std::pair<const char*, const char*> vectors[] = {
      {"", "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV"},
      {"//Alice", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"},
      {"//Bob", "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"},
      {"/soft", "5F4g82upwXKNJWdotdSwkALpdNRNnuNBLQeZ6YUYBoSK3rcj"},
      {"//hard/soft", "5F9Awe4TLRmnDEtqq1AWMsJFRoFPctHt5Licz4B6X5LoWV9e"},
      {"//Alice/1", "5FUdx3xPJdh2ZdD7DwPQRN2eMAFVUKpfPeoEZZiSraow9iVQ"},
      {"//0", "5D34dL5prEUaGNQtPPZ3yN5Y6BnkfXunKXXz6fo7ZJbLwRRH"},
      {"/18446744073709551615", "5Eez2BU37kRcodqCcecCf9pu8tc3ztmtKUtqicG85FMJiLMY"},
      {"/18446744073709551616", "5ERGbJ7nHY5HSQc7jyjjaFrDYVNUYNxoD9uGEAERx2mkccj7"},
      {"//aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "5CUMfSQxBJUS2kNZ3fPKhte7CPHQz9WWjvL6LMHcGy6ma6xq"},
      {"//aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "5FjXrmeQoVarKEVc1bSev5PjyV9dKND7g1wnfQDYvXtx9VxT"},
      {"/+5", "5H1NfXEvx6pnuxShDGZN1jAGg7GYifUcorwtbeaGFF1XA86T"},
      {"/5", "5H1NfXEvx6pnuxShDGZN1jAGg7GYifUcorwtbeaGFF1XA86T"},
      {"///pw", "5HVquMWVR2cemSfuHeWupmEEgiTDjdNpCrPk4iKeBmL9qnKD"},
      {"//hard/soft///pw", "5DWnnftpTTCagJ73tGKztufauyx6ejCjKgP3vM4RcRx8En36"},
      {"//Alice///a/b", "5ENecmx9wniFDmQzY87BhtaMAUV4uk8judBVJCrB8CUsL219"},
      {"/\xc3\xa9", "5GmXkTjTXDeorw434nyjVJPRKtceiXWGaJAsNX5MjZUwveDM"}};
  for (const auto& [path, expected] : vectors) {
    EXPECT_EQ(address(kDevPhrase + path), expected) << path;
  }
}

TEST(Derivation, StartsFromASeedToo) {
  const std::string seed = "0xfac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e";
  EXPECT_EQ(address(seed + "//Alice"), "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY");
  EXPECT_NE(address(seed + "///pw").find("password"), std::string::npos);
}

TEST(Derivation, KeepsOnlyWhatLeadsToTheKeyByItself) {
  const auto plain = key_from_secret_uri(kDevPhrase);
  EXPECT_EQ(plain->phrase.text(), kDevPhrase);
  EXPECT_EQ(plain->mini_secret.size(), 32U);
  const auto hard = key_from_secret_uri(kDevPhrase + "//Alice");
  EXPECT_TRUE(hard->phrase.empty());
  EXPECT_EQ(hex_encode(hard->mini_secret.view()),
            "e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a");
  const auto soft = key_from_secret_uri(kDevPhrase + "/soft");
  EXPECT_TRUE(soft->phrase.empty());
  EXPECT_TRUE(soft->mini_secret.empty());
  const auto guarded = key_from_secret_uri(kDevPhrase + "///pw");
  EXPECT_TRUE(guarded->phrase.empty());
  EXPECT_EQ(guarded->mini_secret.size(), 32U);
}

TEST(Derivation, SoftKeysSign) {
  const auto key = key_from_secret_uri(kDevPhrase + "//hard/soft");
  EXPECT_TRUE(verify(key->keypair.public_key(), as_bytes("x"), key->keypair.sign(as_bytes("x"))));
  const SecretBytes secret = key->keypair.expanded_secret();
  EXPECT_EQ(Keypair::from_secret(secret.view())->ss58(), key->keypair.ss58());
}

TEST(Derivation, RefusesBrokenUrisWithoutQuotingThem) {
  for (const std::string& uri :
       {std::string(), std::string("//Alice"), std::string(" //Alice"), kDevPhrase + "/",
        kDevPhrase + "//", kDevPhrase + "/a//", kDevPhrase + "/a/", std::string("0x12//Alice"),
        "0x" + std::string(64, 'g'), "0x" + std::string(66, '1'), "hunter2 " + kDevPhrase}) {
    const auto key = key_from_secret_uri(uri);
    ASSERT_FALSE(key) << uri;
    EXPECT_EQ(key.error().code, Errc::invalid_input) << uri;
    EXPECT_EQ(key.error().context.find("Alice"), std::string::npos);
    EXPECT_EQ(key.error().context.find("hunter2"), std::string::npos);
  }
  EXPECT_EQ(key_from_secret_uri(kDevPhrase + "//" + std::string(5000, 'a')).error().code,
            Errc::limit_exceeded);
}

TEST(Derivation, GeneratesPhrasesThatLeadBackToTheKey) {
  for (const int words : {12, 15, 18, 21, 24}) {
    const auto key = generate_key(words);
    ASSERT_TRUE(key);
    EXPECT_EQ(std::count(key->phrase.text().begin(), key->phrase.text().end(), ' '), words - 1);
    EXPECT_EQ(key_from_secret_uri(key->phrase.text())->keypair.ss58(), key->keypair.ss58());
  }
  for (const int words : {0, 11, 13, 27}) {
    EXPECT_FALSE(generate_key(words)) << words;
  }
}

}  // namespace
}  // namespace lode::chain
