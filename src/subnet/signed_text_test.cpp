#include "subnet/signed_text.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "chain/keypair.h"
#include "subnet/dendrite.h"
#include "subnet/wire_internal.h"

namespace lode::subnet {
namespace {

const std::string kAlice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
const std::string kBob = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";
constexpr std::int64_t kNanoseconds = 1757400000123456789;
const Time kNow{Duration(kNanoseconds)};
constexpr std::int64_t kHour = 3'600'000'000'000;

std::string request(std::int64_t nonce = kNanoseconds) {
  return request_text(nonce, kAlice, kBob, "b7d2a5ce-8d6e-11f0-9c1e-0242ac120002", kEmptyBodyHash);
}

std::string result(std::string_view prompt, std::int64_t time = kNanoseconds) {
  return result_text(time, prompt, kBob, kAlice);
}

/// "signed", or the reason why not.
std::string verdict(std::string_view text) {
  const auto checked = check_signed_text(text, kAlice, kNow);
  return checked ? "signed" : checked.error().context;
}

TEST(SignedText, AcceptsWhatTheMinerSigns) {
  EXPECT_EQ(verdict(request()), "signed");
  EXPECT_EQ(verdict(request_text(kNanoseconds, kAlice, kBob, make_uuid1(kNow), kEmptyBodyHash)),
            "signed");
  for (const char* prompt : {"a red apple", "", "7 dwarfs", "1757400000123456789",
                             "caf\xc3\xa9 \xe2\x98\x83 \xf0\x9f\x98\x80", "a.b.c.d.e",
                             "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"}) {
    EXPECT_EQ(verdict(result(prompt)), "signed") << prompt;
  }
  EXPECT_EQ(verdict(result(std::string(1 << 20, 'A'))), "signed");
}

TEST(SignedText, RefusesTimesFarFromNow) {
  for (const std::int64_t offset : {-kHour, kHour}) {
    EXPECT_EQ(verdict(request(kNanoseconds + offset)), "signed");
    EXPECT_NE(verdict(request(kNanoseconds + offset + (offset > 0 ? 1 : -1))), "signed");
    EXPECT_NE(verdict(result("x", kNanoseconds + offset + (offset > 0 ? 1 : -1))), "signed");
  }
}

TEST(SignedText, RefusesOtherHotkeysAndAddresses) {
  EXPECT_EQ(check_signed_text(request(), kBob, kNow).error().code, Errc::unsupported);
  EXPECT_FALSE(check_signed_text(result("x"), kBob, kNow));
  EXPECT_NE(verdict(request_text(kNanoseconds, kAlice, "5FHneW", make_uuid1(kNow), kEmptyBodyHash)),
            "signed");
  EXPECT_NE(verdict(result_text(kNanoseconds, "x", "5FHneW", kAlice)), "signed");
}

TEST(SignedText, RefusesEveryChangedByteOfARequestThatChangesItsShape) {
  const std::string text = request();
  int accepted = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string changed = text;
    changed[at] = '_';
    accepted += verdict(changed) == "signed" ? 1 : 0;
    EXPECT_NE(verdict(text.substr(0, at)), "signed") << at;
  }
  EXPECT_EQ(accepted, 0);
  EXPECT_NE(verdict(text + "."), "signed");
  EXPECT_NE(verdict(text + ".x"), "signed");
  EXPECT_NE(verdict(" " + text), "signed");
  EXPECT_NE(verdict("<Bytes>" + text + "</Bytes>"), "signed");
}

TEST(SignedText, RefusesResultsThatAreCutOrPadded) {
  const std::string text = result("a red apple");
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_NE(verdict(text.substr(0, size)), "signed") << size;
  }
  EXPECT_NE(verdict(text + " "), "signed");
  EXPECT_NE(verdict(result("x", 0)), "signed");
}

TEST(SignedText, RefusesPromptsThatAreNoUtf8) {
  for (const char* prompt : {"\x80", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                             "\xf5\x80\x80\x80", "\xc3", "a\xff", "\xf0\x9f\x98"}) {
    EXPECT_NE(verdict(result(prompt)), "signed");
  }
}

TEST(SignedText, RefusesAnythingElse) {
  Rng rng(9);
  for (int round = 0; round < 2000; ++round) {
    std::string text(rng.below(300), '\0');
    for (char& c : text) {
      c = static_cast<char>(rng.next());
    }
    EXPECT_NE(verdict(text), "signed");
  }
  EXPECT_NE(verdict(""), "signed");
  EXPECT_NE(verdict("...."), "signed");
  EXPECT_NE(verdict(kLicenseDeclaration), "signed");
}

}  // namespace
}  // namespace lode::subnet
