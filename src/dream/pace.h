// How far a schedule is: step by step, or compressed so that it ends with a time budget.
#pragma once

#include <cmath>
#include <deque>

namespace lode::dream {

/// How long an optimisation may take.
struct Budget {
  double seconds = 0;  ///< from its beginning; 0: as long as its steps take
};

/// Paces a schedule of `steps` steps. Without a budget, position k is step k. With one, steps are
/// measured as they go: while those left fit into the time left nothing changes, and otherwise each
/// advances the schedule by more than one, so that it is done when the time is.
class Pace {
 public:
  /// `begin_at`, 0 to below 1, is the share of the schedule that counts as done.
  Pace(int steps, Budget budget, double begin_at = 0)
      : steps_(steps), budget_(budget), position_(std::floor(begin_at * steps)) {}

  /// Whether another step may begin `elapsed` seconds after the beginning: there is schedule left,
  /// and time for what a step costs by now.
  bool may_step(double elapsed) const;

  /// Moves to the next step, at `elapsed` seconds.
  void advance(double elapsed);

  /// The step that advance() moved to took this long.
  void observe(double seconds);

  /// Where the schedule is, in its own steps: 0 before the first, `steps` with the last.
  double position() const { return position_; }
  double progress() const { return position_ / steps_; }
  /// Whether the last advance() reached or passed a multiple of `interval`.
  bool crossed(int interval) const;
  /// How many more steps are expected.
  int steps_left(double elapsed) const;
  /// Whether steps have been made longer than one.
  bool is_compressed() const { return is_compressed_; }

 private:
  /// Median of the last costs, seconds: what one slow step (the first, above all) costs says
  /// little.
  double step_cost() const;
  /// How many steps the time left holds, at least 1.
  double affordable(double elapsed) const;

  int steps_;
  Budget budget_;
  double position_ = 0, before_ = 0;
  bool is_compressed_ = false;
  std::deque<double> costs_;  // the last few
};

}  // namespace lode::dream
