#include "dream/pace.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace lode::dream {
namespace {

/// Costs that the median is taken of: it follows a change of resolution within three steps.
constexpr std::size_t kCosts = 5;
/// Costs known before the schedule is compressed.
constexpr std::size_t kFewestCosts = 3;

}  // namespace

double Pace::step_cost() const {
  if (costs_.empty()) {
    return 0;
  }
  std::vector<double> sorted(costs_.begin(), costs_.end());
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  return *middle;
}

double Pace::affordable(double elapsed) const {
  return std::max(1.0, std::floor((budget_.seconds - elapsed) / step_cost()));
}

bool Pace::may_step(double elapsed) const {
  return position_ < steps_ && (budget_.seconds <= 0 || elapsed + step_cost() <= budget_.seconds);
}

void Pace::advance(double elapsed) {
  before_ = position_;
  const double left = steps_ - position_;
  if (budget_.seconds > 0 && costs_.size() >= kFewestCosts && step_cost() > 0) {
    const double steps = affordable(elapsed);
    if (steps < left) {
      is_compressed_ = true;
      position_ = steps <= 1 ? steps_ : position_ + left / steps;
      return;
    }
  }
  position_ = std::min<double>(steps_, position_ + 1);
}

void Pace::observe(double seconds) {
  costs_.push_back(seconds);
  if (costs_.size() > kCosts) {
    costs_.pop_front();
  }
}

bool Pace::crossed(int interval) const {
  return std::floor(position_ / interval) > std::floor(before_ / interval);
}

int Pace::steps_left(double elapsed) const {
  double left = std::ceil(steps_ - position_);
  if (budget_.seconds > 0 && step_cost() > 0 && left > 0) {
    left = std::min(left, affordable(elapsed));
  }
  return static_cast<int>(left);
}

}  // namespace lode::dream
