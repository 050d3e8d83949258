#include "simulate/bound.h"

#include <algorithm>
#include <cmath>

namespace lode::simulate {

double best_cycle(const BoundInput& input) {
  return input.cooldown + input.generation.expectation([&](double generation) {
    // The validators' int(): a part of a second is not waited for.
    return std::floor(std::max(0.0, generation + input.overhead - input.throttle));
  });
}

double bound(const BoundInput& input, double seconds) {
  return bound_without_scorer(input, 0, seconds);
}

double bound_without_scorer(const BoundInput& input, double reject_rate, double seconds) {
  const double accepted_share = 1 - reject_rate;
  const double cycle = best_cycle(input) + input.penalty * reject_rate;
  const double by_cooldown = input.validators * seconds * accepted_share / cycle;
  const double by_workers = input.workers * seconds * accepted_share / input.generation.mean();
  return std::min(by_cooldown, by_workers);
}

}  // namespace lode::simulate
