// How far a schedule is: step by step, or compressed so that it ends with a time budget.
#pragma once

#include <map>

#include "base/clock.h"

namespace lode::dream {

/// How long an optimisation may take.
struct Budget {
  double seconds = 0;  ///< from its beginning; 0: as long as its steps take
};

/// Paces a schedule of `steps` steps. Without a budget position k is step k. With one, what a step
/// costs is measured as it goes; while the steps left fit into the time left nothing changes, and
/// otherwise each advances the schedule by more than one, so that it is done when the time is.
class Pace {
 public:
  Pace(int steps, Budget budget) : steps_(steps), budget_(budget) {}

  /// Whether another step may begin `elapsed` seconds after the beginning: there is schedule left,
  /// and time for what a step costs by now.
  bool may_step(double elapsed) const;

  /// Moves to the next step, at `elapsed` seconds.
  void advance(double elapsed);

  /// The step that advance() moved to took this long, at this resolution (pixels, any unit).
  void observe(double seconds, int resolution);

  /// Where the schedule is, in its own steps: 0 before the first, `steps` with the last.
  double position() const { return position_; }
  double progress() const { return position_ / steps_; }
  /// Whether the last advance() moved from before a multiple of `interval` to it or past it.
  bool crossed(int interval) const;
  /// How many more steps are expected.
  int steps_left(double elapsed) const;
  /// Whether the schedule ends before its own last step.
  bool is_compressed() const { return is_compressed_; }

 private:
  double step_cost() const;

  int steps_;
  Budget budget_;
  double position_ = 0, before_ = 0;
  bool is_compressed_ = false;
  std::map<int, double> costs_;  // by resolution, a moving mean, seconds
};

}  // namespace lode::dream
