// What is left of the bound when generations of random length have to wait for each other.
#pragma once

#include "simulate/bound.h"

namespace lode::simulate {

/// Whose generation a free worker begins when several tasks wait.
enum class ServiceOrder {
  first_come,     ///< the task that was assigned first: the best that can be done blindly
  shortest_first  ///< knows every length beforehand, which no miner does
};

/// Accepted results in `seconds` of an ideal miner: nothing is lost, nothing fails, every pull
/// arrives at the instant of expiry, no worker idles while a task waits. Each of the V validators
/// hands out a task, which waits w for one of the W workers, is generated in g, and the next one
/// comes cooldown + floor((w + g + overhead - throttle)+) after it. Where workers are plenty this
/// is `bound`, and never above it; where the work of a cooldown is about what the workers can do,
/// the waits make it less. The mean wait is found by running that queue, 250,000 tasks or more,
/// from fixed seeds: good to about 0.1 %, and exact where nobody waits.
///
/// Why no miner that makes one generation a task, and does not know how long it will take, is
/// faster with `first_come`. Each second of overrun takes a second from the V * seconds that the
/// validators have, so the least sum of overruns wins. What a task loses when it starts x after its
/// assignment is h(x) = E[(x + g + overhead - throttle)+], which is convex. Lengths that nobody
/// knows are exchangeable: whichever task is begun, workers become free at the same instants, in
/// distribution; and a worker left idle, or a pull delayed, only moves starts back. A policy merely
/// chooses which assignment gets which start, and a sum of convex functions of their differences is
/// least when both are taken in the same order. Interrupting a generation gains nothing while what
/// remains of it shrinks as it goes on, as it does for both shapes of GenerationTime at the spreads
/// of interest. What can pass this ideal: several generations of one task of which the first to end
/// counts, on workers that would idle; and the parts of seconds that `floor` forgives.
double attainable(const BoundInput& input, double seconds,
                  ServiceOrder order = ServiceOrder::first_come);

}  // namespace lode::simulate
