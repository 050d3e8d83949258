// The optimisation itself: a cloud that is drawn, judged by a picture and a guidance, and improved.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "dream/guidance.h"
#include "dream/pace.h"
#include "dream/preset.h"
#include "dream/schedule.h"
#include "splat/cloud.h"

namespace lode::dream {

struct OptimiserOptions {
  std::uint64_t seed = 0;
  Budget budget;
  /// Measures the budget and the stages; without one there is neither. Outlives the optimiser.
  const Clock* clock = nullptr;
  /// Densification stops growing here: 100 times what the presets reach, some 100 MB with moments.
  std::size_t max_gaussians = 500'000;
  int max_restarts = 3;
  /// What to begin from instead of start_blob(); null: that. Copied. Its harmonics beyond degree 0
  /// follow the preset's.
  const splat::GaussianCloud* start = nullptr;
  double begin_at = 0;  ///< the share of the schedule that counts as done, 0 to below 1
};

/// Seconds that the parts of all steps took.
struct StageSeconds {
  double guidance = 0, render = 0, backward = 0, optimiser = 0, density = 0, finish = 0;
  double total() const { return guidance + render + backward + optimiser + density + finish; }
};

struct Report {
  int steps = 0;           ///< made, dropped ones included
  int dropped_steps = 0;   ///< without effect because a loss or a derivative was not finite
  int restarts = 0;        ///< from the best cloud, with lower rates
  int skipped_resets = 0;  ///< opacity resets that a compressed schedule could not recover from
  std::size_t cloned = 0, split = 0, pruned = 0;
  double known_loss = 0;  ///< the known view's mean squared error (colour + a tenth of alpha)
  StageSeconds seconds;
  std::vector<std::string> notes;  ///< a line each: what a user should know of the result
};

struct StepReport {
  int number = 0;  ///< 1 for the first step
  int of = 0;      ///< as expected now: a budget may lower it
  double progress = 0;
  double loss = 0;  ///< known view and guidance, weighted
  std::size_t gaussians = 0;
  bool is_dropped = false;
};

/// One subject's optimisation. Replayable: the same subject, preset, seed and guidance give the
/// same bytes for any number of threads, as long as no budget shortens it.
class Optimiser {
 public:
  /// `guidance` has begun with the subject, and may be null when there is a picture: the known view
  /// is then fitted alone. It and the pool outlive this. Errors of check_subject.
  static Result<Optimiser> begin(const Subject& subject, const Preset& preset, Guidance* guidance,
                                 const OptimiserOptions& options, ThreadPool& pool);
  ~Optimiser();
  Optimiser(Optimiser&&) noexcept;
  Optimiser& operator=(Optimiser&&) noexcept;

  /// No step is left, or no time for one.
  bool is_done() const;

  /// One step: learning rate, known view, random views, guidance, one backward pass, Adam, density.
  /// A step whose loss or derivatives are not finite is dropped: no parameter or moment changes.
  /// Errc::cancelled after a requested stop, Errc::out_of_resource for lack of memory,
  /// Errc::internal after too many restarts or dropped steps in a row, the guidance's own errors.
  Result<StepReport> step(const std::stop_token& stop);

  /// As it is now.
  const splat::GaussianCloud& cloud() const;
  /// The one to keep: as it is now, unless the known view was much better before.
  const splat::GaussianCloud& best() const;
  const Report& report() const;

 private:
  struct State;
  explicit Optimiser(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace lode::dream
