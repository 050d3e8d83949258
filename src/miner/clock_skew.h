// How far this machine's clock is from the validators', told by the Date of their replies.
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

class ClockSkew {
 public:
  /// A reply to a request that the validator answers at once. `date` is its Date header, in whole
  /// seconds; the estimate is good to half a second and half the round trip.
  void add(const std::string& hotkey, Time date, Time sent, Time received);

  /// Median over validators of their clock minus ours: positive when ours is slow.
  std::optional<Duration> estimate() const;
  /// What to add to this machine's time for a nonce that this validator accepts: its clock's lead
  /// when ours is slow by kWorrisomeSkew to kLargestAdjustment, else 0. Axons refuse old nonces and
  /// take those from the future, so a fast clock needs none.
  Duration nonce_adjustment(const std::string& hotkey) const;
  std::size_t validators() const { return latest_.size(); }
  /// One line with what to do, or empty while the clock is good enough.
  std::string warning() const;

 private:
  std::map<std::string, Duration> latest_;  ///< by hotkey
};

}  // namespace lode::miner
