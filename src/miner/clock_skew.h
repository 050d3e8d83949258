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

/// Bounds of one validator's offset: its clock when a request of ours arrives, minus ours when it
/// was sent. That is the difference of the clocks plus the way there, and just what has to be known
/// to ask at an instant of its clock. Every reply narrows the bounds; between replies they widen by
/// what clocks drift, and a reply that contradicts them (a clock was set) begins anew.
class ClockOffset {
 public:
  /// The offset was within [low, high] at `at`.
  void observe(Duration low, Duration high, Time at);
  /// The upper bound alone: a lower one that is a little above it was mistaken, and is put a second
  /// below it. Ignored when it is seconds away from what is known, since peers may be wrong.
  void observe_high(Duration high, Time at);
  /// The part of an exchange that was the network's, both ways together.
  void observe_network(Duration both_ways);

  bool is_known() const { return at_ != Time{}; }
  /// Least and largest offset possible at `now`.
  Duration low(Time now) const { return low_ - drift(now); }
  Duration high(Time now) const { return high_ + drift(now); }
  /// As last observed, without what the clocks may have drifted since.
  Duration middle() const { return low_ + half_width(); }
  Duration half_width() const { return (high_ - low_) / 2; }
  /// The shortest seen; zero before.
  Duration network() const { return network_.value_or(Duration::zero()); }

 private:
  Duration drift(Time now) const;
  void set(Duration low, Duration high, Time at);

  Duration low_{}, high_{};
  Time at_{};  ///< of the last observation
  std::optional<Duration> network_;
};

/// The clocks of all validators, by hotkey.
class ClockSkew {
 public:
  /// A reply to a request that took from `sent` to `received`, connecting included. `date` is its
  /// Date header, in whole seconds rounded down, stamped when the work was done. `network` is how
  /// much of that time was the network's: a round trip to connect, and one to ask.
  void on_date(const std::string& hotkey, Time date, Time sent, Time received, Duration network);
  /// A request sent at `sent` was told that `until` is still to come.
  void on_before(const std::string& hotkey, Time until, Time sent);

  /// When to send a request so that it arrives when the validator's clock has reached `until`, and
  /// not before. Of a clock that was never seen: that instant of ours.
  Time when_to_ask(const std::string& hotkey, Time until, Time now) const;

  /// Its clock on arrival minus ours when sending, as far as known.
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
