// The time as HTTP's Date header writes it.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace lode {

/// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string http_date(Time time);

/// Reads that form, the only one that today's servers send. Errc::invalid_input for anything else.
Result<Time> parse_http_date(std::string_view text);

}  // namespace lode
