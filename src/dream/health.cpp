// Watches an optimisation for divergence, and keeps the best cloud to go back to.
#include <algorithm>
#include <cmath>

#include "dream/health_internal.h"

namespace lode::dream {
namespace {

/// Positions and logarithms beyond this are no object: exp() of it is still finite.
constexpr float kMostParameter = 80;
/// Copies of the cloud are at least so many steps apart; without a loss to choose by, farther.
constexpr int kKeepEvery = 10, kKeepEveryBlind = 50;
/// Diverged: this many times the best loss for this many steps, and worse than 30 dB anyway.
constexpr double kFarAbove = 4;
constexpr int kLong = 50;
constexpr double kBadLoss = 1e-3;
/// The best cloud is handed out instead of the last from this on.
constexpr double kMuchWorse = 2;

bool is_small(float value) { return std::abs(value) <= kMostParameter; }  // false for NaN
bool is_small(const glm::vec3& v) { return is_small(v.x) && is_small(v.y) && is_small(v.z); }

}  // namespace

bool is_sound(const splat::GaussianCloud& cloud, std::size_t i) {
  const float length2 = glm::dot(cloud.rotations[i], cloud.rotations[i]);
  const std::size_t rest = cloud.sh_rest.size() / cloud.size();
  const auto first = cloud.sh_rest.begin() + static_cast<std::ptrdiff_t>(i * rest);
  return is_small(cloud.positions[i]) && is_small(cloud.log_scales[i]) && is_small(cloud.f_dc[i]) &&
         std::isfinite(cloud.opacity_logits[i]) && length2 > 0 && std::isfinite(length2) &&
         std::all_of(first, first + static_cast<std::ptrdiff_t>(rest),
                     [](float value) { return is_small(value); });
}

bool is_sound(const splat::GaussianCloud& cloud) {
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    if (!is_sound(cloud, i)) {
      return false;
    }
  }
  return true;
}

void Health::keep(int step, const splat::GaussianCloud& cloud, std::optional<double> loss) {
  const bool is_due = step - kept_at_ >= (loss ? kKeepEvery : kKeepEveryBlind);
  if (is_due && (!loss || *loss < best_loss_)) {
    best_ = cloud;
    best_loss_ = loss.value_or(best_loss_);
    kept_at_ = step;
  }
}

bool Health::observe(int step, const splat::GaussianCloud& cloud, std::optional<double> loss) {
  if (cloud.size() < std::min(kFewestGaussians, best_.size()) || !is_sound(cloud)) {
    return false;
  }
  if (step <= excused_until_) {
    return true;
  }
  const bool is_bad = loss && *loss > std::max(kBadLoss, kFarAbove * best_loss_);
  bad_run_ = is_bad ? bad_run_ + 1 : 0;
  if (bad_run_ >= kLong) {
    return false;
  }
  keep(step, cloud, loss);
  return true;
}

void Health::excuse(int step, int steps) {
  excused_until_ = step + steps;
  best_loss_ = std::numeric_limits<double>::infinity();
  bad_run_ = 0;
}

bool Health::is_best_better(std::optional<double> loss) const {
  return loss && *loss > std::max(kBadLoss, kMuchWorse * best_loss_);
}

}  // namespace lode::dream
