// How far the validators' clocks are from this machine's, told by their replies.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/clock.h"

namespace lode::miner {

/// A clock that is slow by more than a request's window has its nonces refused (16 s for a pull).
inline constexpr Duration kWorrisomeSkew = std::chrono::seconds(3);

/// Nonces follow a validator's clock this far: enough for a machine whose clock was never set, and
/// within the hour that `lode signer` allows.
inline constexpr Duration kLargestAdjustment = std::chrono::minutes(30);

/// Bounds of one validator's clock minus ours. Every reply narrows them; between replies they widen
/// by what clocks drift, and a reply that contradicts them (a clock was set) begins anew.
class ClockOffset {
 public:
  /// Its clock was within [low, high] of ours at `at`.
  void observe(Duration low, Duration high, Time at);
  /// One bound alone; ignored when the other one contradicts it, since a peer's rules may.
  void observe_low(Duration low, Time at);
  void observe_high(Duration high, Time at);

  bool is_known() const { return at_ != Time{}; }
  /// Least and largest offset possible at `now`.
  Duration low(Time now) const { return low_ - drift(now); }
  Duration high(Time now) const { return high_ + drift(now); }
  /// As last observed, without what the clocks may have drifted since.
  Duration middle() const { return low_ + half_width(); }
  Duration half_width() const { return (high_ - low_) / 2; }

 private:
  Duration drift(Time now) const;
  void set(Duration low, Duration high, Time at);

  Duration low_{}, high_{};
  Time at_{};  ///< of the last observation
};

/// The clocks of all validators, by hotkey.
class ClockSkew {
 public:
  /// A reply, sent by the validator between our `sent` and `received`. `date` is its Date header,
  /// in whole seconds rounded down.
  void on_date(const std::string& hotkey, Time date, Time sent, Time received);
  /// It gave out a task, so its clock was past the cooldown's end `until`.
  void on_past(const std::string& hotkey, Time until, Time received);
  /// It said that `until` is still to come.
  void on_before(const std::string& hotkey, Time until, Time sent, Time received);

  /// The earliest time of ours when its clock has surely reached `until`. Of a clock that was
  /// never seen: the same instant of ours.
  Time when_reached(const std::string& hotkey, Time until, Time now) const;

  /// Its clock minus ours, as far as known.
  std::optional<Duration> offset(const std::string& hotkey) const;
  /// How far `offset` may have been wrong, to either side, when it was last seen.
  std::optional<Duration> uncertainty(const std::string& hotkey) const;

  /// Median over validators of their clock minus ours: positive when ours is slow.
  std::optional<Duration> estimate() const;
  /// What to add to this machine's time for a nonce that this validator accepts: its clock's lead
  /// when ours is slow by kWorrisomeSkew to kLargestAdjustment, else 0. Axons refuse old nonces and
  /// take those from the future, so a fast clock needs none.
  Duration nonce_adjustment(const std::string& hotkey) const;
  /// One line with what to do, or empty while the clock is good enough.
  std::string warning() const;

 private:
  std::map<std::string, ClockOffset> offsets_;
};

}  // namespace lode::miner
