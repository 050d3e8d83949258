#include "base/encoding.h"

#include <gtest/gtest.h>

#include "base/rng.h"

namespace lode {
namespace {

TEST(Hex, RoundTripsEveryByte) {
  Bytes all(256);
  for (int i = 0; i < 256; ++i) {
    all[i] = static_cast<std::uint8_t>(i);
  }
  const std::string text = hex_encode(all);
  EXPECT_EQ(text.substr(0, 8), "00010203");
  EXPECT_EQ(*hex_decode(text), all);
  EXPECT_EQ(*hex_decode("0x" + text), all);
}

TEST(Hex, RefusesOddLengthAndForeignCharacters) {
  EXPECT_FALSE(hex_decode("abc"));
  EXPECT_FALSE(hex_decode("zz"));
  EXPECT_FALSE(hex_decode("a b "));
}

TEST(Base64, MatchesRfc4648Vectors) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : vectors) {
    EXPECT_EQ(base64_encode(as_bytes(plain)), text);
    EXPECT_EQ(as_text(*base64_decode(text)), plain);
  }
}

TEST(Base64, RoundTripsRandomBytesOfEveryLength) {
  Rng rng(7);
  for (std::size_t length = 0; length < 100; ++length) {
    Bytes bytes(length);
    for (auto& byte : bytes) {
      byte = static_cast<std::uint8_t>(rng.next());
    }
    EXPECT_EQ(*base64_decode(base64_encode(bytes)), bytes);
  }
}

TEST(Base64, RefusesWhitespaceMissingPaddingAndOtherAlphabets) {
  for (const char* bad : {"Zg=", "Zg", "Zm9v\n", "Zm 9v", "Zm9-", "Zh==", "====", "Zg==Zg=="}) {
    EXPECT_FALSE(base64_decode(bad)) << bad;
  }
}

}  // namespace
}  // namespace lode
