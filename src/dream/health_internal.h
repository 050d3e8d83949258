// Watches an optimisation for divergence, and keeps the best cloud to go back to.
#pragma once

#include <limits>
#include <optional>

#include "splat/cloud.h"

namespace lode::dream {

/// Fewer gaussians than this draw nothing worth going on with: validators want 7000.
inline constexpr std::size_t kFewestGaussians = 64;

/// Whether every number of a cloud, or of one gaussian, is finite, and such that float arithmetic
/// with it stays so.
bool is_sound(const splat::GaussianCloud& cloud);
bool is_sound(const splat::GaussianCloud& cloud, std::size_t index);

class Health {
 public:
  /// `start` is what a restart before the first good cloud goes back to.
  explicit Health(splat::GaussianCloud start) : best_(std::move(start)) {}

  /// Hears of a step made: the cloud now, and the known view's plain loss before it (nothing when
  /// there is no known view). False when the optimisation has gone astray: too few gaussians, a
  /// number that is not sound, or a loss far above its best for long.
  bool observe(int step, const splat::GaussianCloud& cloud, std::optional<double> loss);

  /// For `steps` steps after `step` the loss is bound to be high: opacities have been reset.
  void excuse(int step, int steps);

  /// After a restart: the loss has a new chance.
  void restart() { bad_run_ = 0; }

  /// What a restart goes back to.
  const splat::GaussianCloud& best() const { return best_; }
  /// Whether it is much better than a cloud of this loss.
  bool is_best_better(std::optional<double> loss) const;

 private:
  void keep(int step, const splat::GaussianCloud& cloud, std::optional<double> loss);

  splat::GaussianCloud best_;
  double best_loss_ = std::numeric_limits<double>::infinity();
  int kept_at_ = 0;
  int bad_run_ = 0;
  int excused_until_ = 0;
};

}  // namespace lode::dream
