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

/// What is believed until the validators and workers have been watched for a while. Cooldown and
/// penalty are told only by what happens; the throttle window comes with every task, and the
/// validators' defaults (30, 300 and 600 s) say how the three go together.
struct Priors {
  double cooldown_per_window = 10;
  double penalty_per_cooldown = 2;
  Duration generation = std::chrono::seconds(20);  ///< one candidate
  Duration submission = std::chrono::seconds(4);   ///< one submission, the validation included
  double acceptance = 0.95;                        ///< of the results that are sent
  double pass = 0.9;                               ///< of first candidates: above the threshold
  double later_pass = 0.75;                        ///< factor for every failed candidate before
  double scorer_error = 0.02;                      ///< standard deviation of theirs minus ours
  /// Results that validators must have spoken on before their calibration replaces a normal error
  /// around a line: what isotonic bins of a fiftieth need to hold a few pairs each.
  int calibration_pairs = 30;
};

struct Config {
  double min_stake = 1000;  ///< as the base miner: stake below this cannot set weights
  std::vector<BlacklistEntry> blacklist{default_blacklist_entry()};

  /// Whether axons on loopback and private addresses are asked: on a local chain or from a file,
  /// but on a public chain such an address is an error, or an attempt to have us call our own
  /// network.
  bool allow_private_axons = true;

  /// The first pulls of a start are spread over this long, so that tasks do not all come together;
  /// over two throttle windows when the first task says that these are shorter.
  Duration stagger = std::chrono::seconds(60);

  /// Candidates made for one task at most, good ones and bad ones together.
  int max_candidates = 8;
  /// Whether spare workers make further candidates of a task whose result could already be sent.
  bool improves_results = true;
  /// The most that waiting for a better result may add to a cycle, as a share of it, however much
  /// better it is expected to be: the result in hand is certain, what a better one is worth is not.
  double most_paid_waiting = 0.005;
  /// How well our score tells which of two results a validator's judge prefers: 0 not at all,
  /// 1 always. An assumption until duels have been watched.
  double score_correlation = 0.5;
  /// Whether duels change it (Experience::score_correlation).
  bool learns_correlation = true;
  /// Duel rating points that a result one standard deviation better is worth at a correlation of 1
  /// and a judge as noisy as results differ: what best-of-n gains, 46 points for n = 2 and 118 for
  /// n = 8 at a correlation of 0.5, divided by the expected largest of n normal values.
  double rating_per_deviation = 163;
  /// Whether larger validators come first when the workers cannot serve all.
  bool prefers_stake_when_scarce = true;

  /// Times a task is given to a worker again after a worker failed under it.
  int max_generation_failures = 3;
  /// Submissions of one candidate at most, before the task is answered empty.
  int max_submit_attempts = 5;

  /// Pull this long after `cooldown_until`: the resolution of timers.
  Duration pull_margin = std::chrono::milliseconds(2);
  /// The base miner's pause after a validator that does not speak the protocol.
  Duration foreign_backoff = std::chrono::seconds(300);
  /// A validator that does not know our hotkey yet (its metagraph is up to 10 minutes old) answers
  /// a stateless "in an hour"; ask again this often instead.
  Duration unregistered_probe = std::chrono::seconds(90);

  Priors priors;
};

}  // namespace lode::miner
