// Time as a value that is passed in, so that schedulers run in virtual time.
#pragma once

#include <chrono>
#include <cstdint>

namespace lode {

using Duration = std::chrono::nanoseconds;

/// Nanoseconds since the Unix epoch (UTC), as nonces and submit times on the wire count them.
using Time = std::chrono::sys_time<Duration>;

/// Whole seconds since the epoch, rounded down, as the validators' `int(time.time())`.
inline std::int64_t unix_seconds(Time time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

inline Time from_unix_seconds(std::int64_t seconds) { return Time(std::chrono::seconds(seconds)); }

/// Seconds as a real number, for logs and statistics.
inline double to_seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

inline Duration from_seconds(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
};

class SystemClock final : public Clock {
 public:
  Time now() const override { return std::chrono::system_clock::now(); }
};

/// A clock that moves only when told to: tests and simulation.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Time start) : now_(start) {}
  Time now() const override { return now_; }
  void set(Time now) { now_ = now; }
  void advance(Duration by) { now_ += by; }

 private:
  Time now_;
};

}  // namespace lode
