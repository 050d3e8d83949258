// What came of a simulation, and how it is counted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "sandbox/validator.h"
#include "simulate/config.h"

namespace lode::simulate {

/// Counts of the measured hours, told by the validators themselves.
struct Outcome {
  std::string policy;
  double hours = 0;

  std::int64_t pulled = 0;  ///< tasks handed out
  std::int64_t accepted = 0;
  std::int64_t empty = 0;
  std::int64_t rejected = 0;
  std::int64_t violations = 0;  ///< pulls on cooldown
  std::int64_t forbidden = 0;   ///< submissions with no task assigned
  std::int64_t duplicates = 0;  ///< submissions again of what was accepted, or during the lock

  std::int64_t generated = 0;  ///< candidates made
  std::int64_t generation_failures = 0;
  std::int64_t cancelled = 0;
  std::int64_t wasted = 0;   ///< candidates made that no validator scored
  std::int64_t dropped = 0;  ///< tasks that the policy threw away

  int windows = 0;  ///< whole 4-hour windows among the hours
  double accepted_per_4h = 0;
  /// Of accepted_per_4h, from the windows' scatter; nothing for fewer than two.
  std::optional<double> standard_error;
  double candidates_per_task = 0;  ///< generated over answered tasks
  double overrun_seconds = 0;      ///< mean time beyond the throttle window of answered tasks
  double quality = 0;              ///< mean true score of accepted results
  double busy_share = 0;           ///< of the workers' time
  /// Most results that one validator counted in a window of 4 hours, warm-up included.
  std::int64_t most_in_a_window = 0;

  double bound = 0;                 ///< accepted results in the hours at most; see bound.h
  double bound_without_scorer = 0;  ///< for a miner that sends everything
  double ratio = 0;                 ///< accepted over bound
  double attainable = 0;            ///< the bound less what waiting costs; see ideal_queue.h
  double attainable_ratio = 0;      ///< accepted over attainable
  std::vector<double> accepted_at;  ///< hours after the warm-up, ascending
};

/// Counts what happens after `from`. Events come in the order of their times.
class Tally {
 public:
  Tally(const Config& config, Time from) : config_(config), from_(from) {}

  void note_candidate(Time now) { generated_ += is_measured(now) ? 1 : 0; }
  void note_generation_failure(Time now) { failures_ += is_measured(now) ? 1 : 0; }
  void note_cancelled(Time now) { cancelled_ += is_measured(now) ? 1 : 0; }
  void note_wasted(Time now) { wasted_ += is_measured(now) ? 1 : 0; }
  /// A worker was occupied from `began` to `now`.
  void note_busy(Time began, Time now);
  /// A validator took an answer, of whatever kind, to the task it assigned at `assigned_at`.
  void note_answered(Time assigned_at, Time now);
  /// An accepted result, as the validator's feedback tells it.
  void note_accepted(const subnet::Feedback& feedback, double true_score, Time now);
  /// The validators' counters and the policy's dropped tasks as they were at `from`.
  void begin(const sandbox::Counters& counters, std::int64_t dropped);

  /// The outcome, with the counters at the end. The tally is spent.
  Outcome finish(std::string policy, const sandbox::Counters& counters, std::int64_t dropped);

 private:
  bool is_measured(Time now) const { return now >= from_; }

  const Config& config_;
  Time from_;
  sandbox::Counters before_;
  std::int64_t dropped_before_ = 0;
  std::int64_t generated_ = 0;
  std::int64_t failures_ = 0;
  std::int64_t cancelled_ = 0;
  std::int64_t wasted_ = 0;
  std::int64_t answered_ = 0;
  double overrun_seconds_ = 0;
  double quality_sum_ = 0;
  Duration busy_{};
  std::int64_t most_in_a_window_ = 0;
  std::vector<double> accepted_at_;  ///< hours after from_
};

}  // namespace lode::simulate
