#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "chain/keyfile_json_internal.h"

namespace lode::chain {
namespace {

/// The value of secretSeed in a document, or the error.
std::string seed_of(std::string_view document) {
  SecretBytes text = SecretBytes::copy_of(document);
  const auto fields = parse_key_fields(text);
  if (!fields) {
    return "error: " + fields.error().context;
  }
  return fields->secret_seed ? std::string(*fields->secret_seed) : "none";
}

TEST(KeyfileJson, ReadsStringsAndNulls) {
  EXPECT_EQ(seed_of(R"({"secretSeed":"a"})"), "a");
  EXPECT_EQ(seed_of(" {\t\"secretSeed\" : \"a\" ,\r\n \"other\" : null } \n"), "a");
  EXPECT_EQ(seed_of(R"({"secretSeed":null,"unknown":"x"})"), "none");
  EXPECT_EQ(seed_of("{}"), "none");
}

TEST(KeyfileJson, UnescapesAsAnyJsonReaderDoes) {
  for (const char* document :
       {R"({"secretSeed":"\"\\\/\b\f\n\r\t"})",
        R"({"secretSeed":"\u0041\u00e9\u20AC\ud83d\ude00"})", R"({"secret\u0053eed":"x"})",
        R"({"secretSeed":"\u0000 \u007f \u0080 \u07ff \u0800 \uffff"})",
        "{\"secretSeed\":\"caf\xc3\xa9 \xf0\x9f\x98\x80\"}"}) {
    const auto expected = nlohmann::json::parse(document).at("secretSeed").get<std::string>();
    EXPECT_EQ(seed_of(document), expected) << document;
  }
}

TEST(KeyfileJson, RefusesWhatIsNoFlatObjectOfStrings) {
  for (const char* document : {"",
                               "null",
                               "[]",
                               "\"secretSeed\"",
                               "{",
                               "{\"secretSeed\"",
                               "{\"secretSeed\":",
                               "{]",
                               "{\"secretSeed\":\"a\"",
                               "{\"secretSeed\":\"a\",}",
                               "{\"secretSeed\":\"a\"}x",
                               "{,\"secretSeed\":\"a\"}",
                               "{\"secretSeed\":\"a\" \"b\":null}",
                               "{'secretSeed':'a'}",
                               "{\"secretSeed\":\"a\\x\"}",
                               "{\"secretSeed\":\"a\\",
                               "{\"secretSeed\":\"\\u12\"}",
                               "{\"secretSeed\":\"\\u12g4\"}",
                               "{\"secretSeed\":\"\\ud800\"}",
                               "{\"secretSeed\":\"\\udc00\"}",
                               "{\"secretSeed\":\"\\ud800\\u0041\"}",
                               "{\"secretSeed\":\"a\nb\"}",
                               "{\"secretSeed\":nul"}) {
    EXPECT_TRUE(seed_of(document).starts_with("error: ")) << document;
  }
  for (const char* value : {"1", "true", "[]", "{}", "[\"a\"]", "{\"a\":\"b\"}", "nan"}) {
    EXPECT_EQ(seed_of(std::string("{\"secretSeed\":") + value + "}"),
              "error: secretSeed: a string or null was expected");
    EXPECT_EQ(seed_of(std::string("{\"5ec7e7\":") + value + "}"),
              "error: an unknown field: a string or null was expected");
  }
}

TEST(KeyfileJson, RefusesAFieldThatIsStatedTwice) {
  EXPECT_EQ(seed_of(R"({"secretSeed":"a","secretSeed":"b"})"), "error: secretSeed: stated twice");
  EXPECT_EQ(seed_of(R"({"secretSeed":null,"secretSeed":"b"})"), "error: secretSeed: stated twice");
}

TEST(KeyfileJson, RefusesTruncationAtEveryByte) {
  const std::string document = R"({"publicKey":"0x\u0041","secretSeed":"b","x":null})";
  for (std::size_t size = 0; size < document.size(); ++size) {
    EXPECT_TRUE(seed_of(document.substr(0, size)).starts_with("error: ")) << size;
  }
  EXPECT_EQ(seed_of(document), "b");
}

}  // namespace
}  // namespace lode::chain
