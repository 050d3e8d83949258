// The most results that validators' rules and the workers' time allow.
#pragma once

#include "simulate/generation_time.h"

namespace lode::simulate {

/// What the bound depends on. Seconds throughout.
struct BoundInput {
  int validators = 1;
  int workers = 1;
  GenerationTime generation = GenerationTime::lognormal(20, 0);
  double overhead = 3;  ///< of a task beyond its generation: the pull's way back and the submission
  double cooldown = 300;
  double throttle = 30;
  double penalty = 600;  ///< added to the cooldown of a result below the threshold
};

/// Seconds from one assignment to the next when the pull arrives at the instant of expiry and a
/// task takes `generation + overhead` without waiting: cooldown + floor((d - throttle)+), averaged.
double best_cycle(const BoundInput& input);

/// Accepted results in `seconds` at most: the smaller of what cooldowns allow, validators * seconds
/// / best_cycle, and what the workers can make, workers * seconds / mean generation. It assumes one
/// generation a task: racing several workers on one task shortens d and may pass it by a little.
double bound(const BoundInput& input, double seconds);

/// The same for a miner that sends everything it makes, of which `reject_rate` is below the
/// threshold and costs the penalty.
double bound_without_scorer(const BoundInput& input, double reject_rate, double seconds);

}  // namespace lode::simulate
