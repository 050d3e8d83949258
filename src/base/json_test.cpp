#include "base/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace lode {
namespace {

std::string nested(int depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(Json, KeepsTheOrderOfKeysAndWholeIntegers) {
  const auto value = parse_json(R"({"b": 1757400000123456789, "a": [true, null, "x"]})");
  ASSERT_TRUE(value);
  EXPECT_EQ(value->dump(), R"({"b":1757400000123456789,"a":[true,null,"x"]})");
}

TEST(Json, AcceptsNestingUpToTheLimitOnly) {
  EXPECT_TRUE(parse_json(nested(kMaxJsonDepth)));
  const auto deeper = parse_json(nested(kMaxJsonDepth + 1));
  ASSERT_FALSE(deeper);
  EXPECT_EQ(deeper.error().code, Errc::limit_exceeded);
}

TEST(Json, DoesNotCountBracketsInsideStrings) {
  const std::string text = "\"\\\"" + std::string(1000, '[') + "\"";
  EXPECT_TRUE(parse_json(text));
}

TEST(Json, RefusesWhatFollowsANul) {
  using namespace std::string_view_literals;
  const auto parsed = parse_json("{}\0garbage"sv);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().context, "not JSON at byte 3");
}

TEST(Json, RefusesWhatIsNoJsonWithoutQuotingIt) {
  for (const char* bad : {"", "{", "[1,]", "{\"secret\": hunter2}", "NaN", "1e999", "\"\xff\"",
                          "{} {}", "\"open", "\"\\"}) {
    const auto value = parse_json(bad);
    ASSERT_FALSE(value) << bad;
    EXPECT_EQ(value.error().code, Errc::invalid_input);
    EXPECT_EQ(value.error().context.find("hunter2"), std::string::npos);
  }
}

}  // namespace
}  // namespace lode
