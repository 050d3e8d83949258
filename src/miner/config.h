// Every knob of the miner, with its default.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"

namespace lode::miner {

/// A validator that is never asked, and why. Either `uid` or `hotkey` is given; UIDs are reused on
/// the chain, so a hotkey is the safer name.
struct BlacklistEntry {
  int uid = -1;        ///< -1: match by hotkey
  std::string hotkey;  ///< empty: match by uid
  std::string reason;
};

/// UID 180 of subnet 17 copies other validators' weights and hands out no paying work.
inline BlacklistEntry default_blacklist_entry() {
  return {180, "", "known weight copier (default entry)"};
}

struct Config {
  double min_stake = 1000;  ///< as the base miner: stake below this cannot set weights
  std::vector<BlacklistEntry> blacklist{default_blacklist_entry()};

  /// Whether axons on loopback and private addresses are asked: on a local chain or from a file,
  /// but on a public chain such an address is an error, or an attempt to have us call our own
  /// network.
  bool allow_private_axons = true;

  /// Candidates made for one task at most, while the first ones score below the threshold.
  int max_candidates = 3;
  /// Times a task is given to a worker again after a worker failed under it.
  int max_generation_failures = 3;
  /// Submissions of one candidate at most, before the task is answered empty.
  int max_submit_attempts = 5;

  /// Pull this long after `cooldown_until`, so that clock granularity costs no violation.
  Duration pull_margin = std::chrono::milliseconds(20);
  /// The base miner's pause after a validator that does not speak the protocol.
  Duration foreign_backoff = std::chrono::seconds(300);
  /// A validator that does not know our hotkey yet (its metagraph is up to 10 minutes old) answers
  /// a stateless "in an hour"; ask again this often instead.
  Duration unregistered_probe = std::chrono::seconds(120);
};

}  // namespace lode::miner
