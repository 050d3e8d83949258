#include "base/http_date.h"

#include <array>
#include <charconv>
#include <cstdio>

namespace lode {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// "Sun, 06 Nov 1994 08:49:37 GMT" and where its numbers are.
constexpr std::size_t kLength = 29;

/// -1 when it is no number.
int number_at(std::string_view text, std::size_t at, std::size_t digits) {
  int value = -1;
  const char* end = text.data() + at + digits;
  const auto [last, ec] = std::from_chars(text.data() + at, end, value);
  return ec == std::errc() && last == end ? value : -1;
}

}  // namespace

std::string http_date(Time time) {
  using namespace std::chrono;
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(floor<seconds>(time - day));
  char text[kLength + 1];
  std::snprintf(text, sizeof(text), "%s, %02u %s %04d %02d:%02d:%02d GMT",
                kDays[weekday(day).c_encoding()].data(), static_cast<unsigned>(date.day()),
                kMonths[static_cast<unsigned>(date.month()) - 1].data(),
                static_cast<int>(date.year()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text;
}

Result<Time> parse_http_date(std::string_view text) {
  using namespace std::chrono;
  const Error refusal =
      fail(Errc::invalid_input, "date: 'Sun, 06 Nov 1994 08:49:37 GMT' or the like was expected");
  if (text.size() != kLength || text.substr(3, 2) != ", " || text.substr(25) != " GMT") {
    return refusal;
  }
  unsigned month = 0;
  while (month < kMonths.size() && kMonths[month] != text.substr(8, 3)) {
    ++month;
  }
  const int day = number_at(text, 5, 2), year_number = number_at(text, 12, 4);
  const int hour = number_at(text, 17, 2), minute = number_at(text, 20, 2);
  const int second = number_at(text, 23, 2);
  const year_month_day date(year(year_number), std::chrono::month(month + 1),
                            std::chrono::day(static_cast<unsigned>(day)));
  if (day < 0 || !date.ok() || year_number < 1970 || year_number > 2200 || hour < 0 || hour > 23 ||
      minute < 0 || minute > 59 || second < 0 || second > 60) {
    return refusal;
  }
  return Time(sys_days(date)) + hours(hour) + minutes(minute) + seconds(second);
}

}  // namespace lode
