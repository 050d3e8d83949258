// Lengths of time as people write them: "4h", "90m", "1h30m".
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace lode {

/// Longest duration that is read: 100 years of nanoseconds still fit their 64 bits.
inline constexpr std::int64_t kMaxDurationDays = 36'500;

/// One or more numbers with a unit each, without spaces: d, h, m, s or ms; a number may have a
/// fraction ("1.5h"). Errc::invalid_input for anything else, negative or above kMaxDurationDays.
Result<Duration> parse_duration(std::string_view text);

/// The largest unit that says it in whole numbers of at most two units: "4h", "1h30m", "45s".
/// Rounded to seconds from a minute up and to milliseconds below.
std::string format_duration(Duration duration);

}  // namespace lode
