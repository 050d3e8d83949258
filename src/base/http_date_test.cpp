#include "base/http_date.h"

#include <gtest/gtest.h>

namespace lode {
namespace {

TEST(HttpDate, WritesAndReadsTheStandardsExample) {
  const Time example = from_unix_seconds(784'111'777);
  EXPECT_EQ(http_date(example), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(*parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), example);
}

TEST(HttpDate, RoundTripsEveryDayOfFourYears) {
  for (std::int64_t day = 20'000; day < 20'000 + 1462; ++day) {
    const Time time = from_unix_seconds(day * 86'400 + day % 86'400);
    EXPECT_EQ(*parse_http_date(http_date(time)), time) << http_date(time);
  }
}

TEST(HttpDate, RefusesOtherFormsAndImpossibleDates) {
  for (const char* bad : {"", "soon", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
                          "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 30 Feb 1994 08:49:37 GMT",
                          "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
                          "Sun, 06 Now 1994 08:49:37 GMT", "Sun, -6 Nov 1994 08:49:37 GMT",
                          "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 0000 08:49:37 GMT"}) {
    EXPECT_FALSE(parse_http_date(bad)) << bad;
  }
}

}  // namespace
}  // namespace lode
