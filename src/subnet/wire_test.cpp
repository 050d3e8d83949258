#include "subnet/wire_internal.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "base/encoding.h"
#include "subnet/dendrite.h"

namespace lode::subnet {
namespace {

constexpr std::string_view kAlice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
constexpr std::string_view kBob = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";

chain::Keypair alice() {
  return *chain::Keypair::from_mini_secret(
      *hex_decode("e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a"));
}

std::string sha256(std::string_view text) {
  std::array<std::uint8_t, 32> hash;
  crypto_hash_sha256(hash.data(), as_bytes(text).data(), text.size());
  return hex_encode(hash);
}

TEST(Wire, DeclarationIsThePublishedText) {
  EXPECT_EQ(kLicenseDeclaration.size(), 199U);
  EXPECT_EQ(sha256(kLicenseDeclaration),
            "4ce1b0e563e233282c91114687a4e08765cfc2b4e00ad94a13607352cd09ecc9");
}

TEST(Wire, ResultTextAndItsSignatureMatchTheVector) {
  const std::string text = result_text(1757400100123456789, "a red apple", kBob, kAlice);
  EXPECT_EQ(sha256(text), "0750dd78004fc16161e7cea6d36296e8e9075a57e5ca5596ddc37e24c93e5bf3");
  const auto signature = alice().sign(
      as_bytes(text), [](std::span<std::uint8_t> out) { std::fill(out.begin(), out.end(), 0); });
  EXPECT_EQ(base64_encode(signature),
            "2D0VV8hp7a5FbRNSnBwn+wZAkLXGUwkoIYDmF5yMIlY7rJm+fnkclu5xlJHoXSn6mH+VhEH11ssnRU1jzUP0"
            "hQ==");
}

TEST(Wire, RequestTextJoinsItsPartsWithDots) {
  EXPECT_EQ(request_text(-5, "a", "b", "c", "d"), "-5.a.b.c.d");
}

TEST(Wire, VerifiesPlainAndWrappedTexts) {
  const chain::Keypair key = alice();
  EXPECT_TRUE(verify_text(key.public_key(), "x", key.sign(as_bytes("x"))));
  EXPECT_TRUE(verify_text(key.public_key(), "x", key.sign(as_bytes("<Bytes>x</Bytes>"))));
  EXPECT_FALSE(verify_text(key.public_key(), "x", key.sign(as_bytes("<Bytes>y</Bytes>"))));
}

TEST(Wire, WritesJsonAsPythonDoes) {
  const Json value = {{"a", Json::array({1, 12.0, 0.6, nullptr, true})},
                      {"é\"", "\x7f ☃ \U0001F600\n"},
                      {"e", Json::object()},
                      {"n", 1757400000123456789}};
  EXPECT_EQ(to_python_json(value),
            R"({"a": [1, 12.0, 0.6, null, true], "\u00e9\"": "\u007f \u2603 \ud83d\ude00\n", )"
            R"("e": {}, "n": 1757400000123456789})");
}

TEST(Wire, KeepsTextsThatWouldBreakAHeaderOutOfHeaders) {
  Json synapse = {{"timeout", nullptr},
                  {"total_size", 1},
                  {"axon", nullptr},
                  {"dendrite",
                   {{"ip", "1.2.3.4\r\nset-cookie: x"},
                    {"uuid", std::string(2000, 'u')},
                    {"hotkey", "é"},
                    {"signature", "0x12"}}}};
  const HttpHeaders headers = to_headers(kPullTaskModel, synapse);
  EXPECT_EQ(headers.find("timeout"), nullptr);
  EXPECT_EQ(headers.find("bt_header_dendrite_ip"), nullptr);
  EXPECT_EQ(headers.find("bt_header_dendrite_uuid"), nullptr);
  EXPECT_EQ(headers.find("bt_header_dendrite_hotkey"), nullptr);
  EXPECT_NE(headers.find("bt_header_dendrite_signature"), nullptr);
}

TEST(Wire, Uuid4sAreWellFormedAndDiffer) {
  std::set<std::string> seen;
  for (int round = 0; round < 100; ++round) {
    const std::string uuid = make_uuid4();
    ASSERT_EQ(uuid.size(), 36U);
    EXPECT_EQ(uuid[14], '4');
    EXPECT_NE(std::string("89ab").find(uuid[19]), std::string::npos);
    EXPECT_TRUE(seen.insert(uuid).second);
  }
}

}  // namespace
}  // namespace lode::subnet
