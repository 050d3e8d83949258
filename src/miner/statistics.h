// How the miner has done over a window of time, per validator and in total.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "miner/event.h"
#include "miner/ledger.h"

namespace lode::miner {

/// Accepted results per validator in four hours at most: a cycle is 300 s at least.
inline constexpr double kBoundPerWindow = 48;
inline constexpr Duration kBoundWindow = std::chrono::hours(4);
/// Events this long before a window tell of the tasks that ended in it.
inline constexpr Duration kStatisticsLookback = std::chrono::hours(1);

/// Values whose quantiles are asked for; seconds unless told otherwise.
class Sample {
 public:
  void add(double value) { values_.push_back(value); }
  void add(const Sample& other);
  std::size_t size() const { return values_.size(); }
  double mean() const;
  /// The value that a share of `q` (0..1) is at or below, by nearest rank; 0 for an empty sample.
  double quantile(double q) const;

 private:
  std::vector<double> values_;
};

struct ValidatorStatistics {
  int pulled = 0, accepted = 0, empty = 0, rejected = 0, settled = 0, validator_faults = 0;
  int violations = 0, pull_failures = 0, submit_failures = 0, generation_failures = 0;
  int candidates = 0;  ///< discarded ones among them
  int discarded = 0;   ///< given up before they were fully judged
  double bound = 0;    ///< accepted results that the rules allow in the window
  Sample predicted;    ///< our scores of accepted results, 0..1
  Sample returned;     ///< the validator's scores of the same
  Sample error;        ///< predicted minus returned
  Sample squared_error;
  Sample generation, pull, submit;
  Sample overrun;  ///< from the end of the throttle window to the outcome; 0 when in time
  double rating = 0, reward = 0;  ///< as the validator said last

  int done() const { return accepted + empty + rejected + settled + validator_faults; }
  /// Of all tasks that are done.
  double acceptance_rate() const { return done() == 0 ? 0 : double(accepted) / done(); }
};

struct Statistics {
  Time since{}, until{};
  std::map<std::string, ValidatorStatistics> validators;  ///< by hotkey
  ValidatorStatistics total;  ///< its reward is the sum, its rating the mean over validators
};

/// Counts what happened in [since, until). `events` are in order and begin kStatisticsLookback
/// earlier, if the journal does; where it began later than `since`, so does the window. `ledger`
/// gives ratings and rewards of validators that said nothing of them in the window.
Statistics compute_statistics(const std::vector<Event>& events, const Ledger& ledger, Time since,
                              Time until);

/// {since, until, hours, validators[], total}; `uids` by hotkey, -1 where unknown.
nlohmann::json to_json(const Statistics& statistics, const std::map<std::string, int>& uids);

/// Such an object as a table for a terminal.
std::string format_statistics(const nlohmann::json& statistics);

}  // namespace lode::miner
