#include "base/duration.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace lode {
namespace {

using namespace std::chrono_literals;

constexpr Duration kDay = std::chrono::hours(24);

/// "ms" stands before "m", which it begins with.
constexpr std::array<std::pair<std::string_view, Duration>, 5> kUnits{
    {{"ms", 1ms}, {"d", kDay}, {"h", 1h}, {"m", 1min}, {"s", 1s}}};

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  const auto refused = [&] {
    return fail(Errc::invalid_input, "duration '" + std::string(text.substr(0, 40)) +
                                         "': a number and d, h, m, s or ms was expected, as in 4h");
  };
  const double limit = to_seconds(kDay) * kMaxDurationDays;
  double seconds = 0;
  std::string_view rest = text;
  do {
    double number = 0;
    const auto [end, ec] =
        std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
    if (ec != std::errc() || !std::isfinite(number) || std::signbit(number)) {
      return refused();
    }
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    const auto* unit = kUnits.begin();
    while (unit != kUnits.end() && !rest.starts_with(unit->first)) {
      ++unit;
    }
    if (unit == kUnits.end()) {
      return refused();
    }
    rest.remove_prefix(unit->first.size());
    seconds += number * to_seconds(unit->second);
  } while (!rest.empty());
  if (seconds > limit) {
    return refused();
  }
  return from_seconds(seconds);
}

std::string format_duration(Duration duration) {
  if (duration < 0s) {
    return "-" + format_duration(-duration);
  }
  if (duration < 1min) {
    const auto ms = std::chrono::round<std::chrono::milliseconds>(duration).count();
    return ms % 1000 == 0 ? std::to_string(ms / 1000) + "s" : std::to_string(ms) + "ms";
  }
  Duration rest = std::chrono::round<std::chrono::seconds>(duration);
  std::string text;
  int units = 0;
  for (const auto& [name, unit] : {kUnits[1], kUnits[2], kUnits[3], kUnits[4]}) {
    const auto count = rest / unit;
    if (units == 2 || (count == 0 && units == 0)) {
      continue;
    }
    ++units;
    if (count > 0) {
      text += std::to_string(count) + std::string(name);
    }
    rest %= unit;
  }
  return text;
}

}  // namespace lode
