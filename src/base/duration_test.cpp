#include "base/duration.h"

#include <gtest/gtest.h>

namespace lode {
namespace {

using namespace std::chrono_literals;

TEST(Duration, ReadsWhatPeopleWrite) {
  EXPECT_EQ(*parse_duration("4h"), 4h);
  EXPECT_EQ(*parse_duration("90m"), 90min);
  EXPECT_EQ(*parse_duration("7d"), 168h);
  EXPECT_EQ(*parse_duration("30s"), 30s);
  EXPECT_EQ(*parse_duration("250ms"), 250ms);
  EXPECT_EQ(*parse_duration("1h30m"), 90min);
  EXPECT_EQ(*parse_duration("1.5h"), 90min);
  EXPECT_EQ(*parse_duration("0s"), 0s);
  EXPECT_EQ(*parse_duration("36500d"), 24h * 36500);
}

TEST(Duration, RefusesEverythingElse) {
  for (const char* text : {"", "4", "h", "-4h", "4 h", "4h ", "4x", "4hh", "nan", "nans", "infh",
                           "1e3s", "0x1h", "36501d", "99999999999999999999d", "4h-1m", "+1s"}) {
    const auto parsed = parse_duration(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, Errc::invalid_input);
  }
}

TEST(Duration, WritesAtMostTwoUnits) {
  EXPECT_EQ(format_duration(4h), "4h");
  EXPECT_EQ(format_duration(90min), "1h30m");
  EXPECT_EQ(format_duration(24h * 7), "7d");
  EXPECT_EQ(format_duration(25h + 59s), "1d1h");
  EXPECT_EQ(format_duration(24h + 59s), "1d");
  EXPECT_EQ(format_duration(61s + 400ms), "1m1s");
  EXPECT_EQ(format_duration(45s), "45s");
  EXPECT_EQ(format_duration(1500ms), "1500ms");
  EXPECT_EQ(format_duration(0s), "0s");
  EXPECT_EQ(format_duration(-90min), "-1h30m");
}

}  // namespace
}  // namespace lode
