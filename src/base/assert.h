// LODE_ASSERT: an invariant of our own code, checked in every build. Never used on input.
#pragma once

namespace lode {

/// Prints the broken invariant to stderr and aborts; the supervisor restarts the process.
[[noreturn]] void assertion_failed(const char* condition, const char* message, const char* file,
                                   int line);

}  // namespace lode

#define LODE_ASSERT(condition, message) \
  (static_cast<bool>(condition)         \
       ? static_cast<void>(0)           \
       : ::lode::assertion_failed(#condition, message, __FILE__, __LINE__))
