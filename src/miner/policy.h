// What pays: when another candidate is worth its time, and when a result is worth sending.
//
// The currency is a validator's cycle. A validator hands out the next task when its cooldown C has
// passed since the assignment, or C minus the throttle window since the result, whichever is later:
// work inside the window is free, and a second beyond it costs a second of C + overrun.
#pragma once

#include "base/clock.h"

namespace lode::miner {

/// One held task at one moment. Times are seconds since its assignment.
struct TaskTiming {
  double now = 0;
  double window = 30;     ///< the validator's throttle period
  double cooldown = 300;  ///< the validator's C
  double submission = 4;  ///< from sending a result to the end of its validation

  /// Seconds by which a result sent at `time` overruns the window.
  double overrun(double time) const;
  /// The part of the cycle that waiting from now until `finish` adds, 0 to 1.
  double cost_of_waiting(double finish) const;
};

/// Expected largest of n standard normal values (Blom's approximation; exact to 0.01 for n <= 16).
double expected_best_of(int n);

/// Expected improvement over `best` of one more standard normal value: E[max(x - best, 0)].
double expected_improvement(double best);

/// What a task's candidates are compared by.
struct QualityModel {
  double correlation = 0.5;           ///< of our score with the judge's preference
  double rating_per_deviation = 163;  ///< Config::rating_per_deviation
  double rating = 1500;
  double deviation = 60;  ///< of the rating: a new miner's moves faster
};

/// The share by which one more candidate is expected to raise the rating, and so the reward.
/// `best` is the best one so far in standard deviations of our scores.
double gain_of_another(const QualityModel& model, double best);

/// How many times more than in the long run one duel's outcome is worth to a rating of this
/// deviation: 1 at 60 and below. A new miner's rating moves 17 times faster, but forgets faster
/// too; an average over ever more duels keeps the first one with a weight that sums to the
/// logarithm of their number, so the worth is bounded by 3.
double rating_speed(double deviation);

/// The least probability of acceptance at which a result is sent rather than an empty submission:
/// sending gains one acceptance and risks `penalty` seconds of a validator that accepts
/// `acceptance` per `cooldown`.
double least_acceptance(double acceptance, double penalty, double cooldown);

/// Whether to make another candidate of a task that has none worth sending, ready at `finish`.
bool is_retry_worth(const TaskTiming& timing, double finish, double pass_probability,
                    double acceptance);

}  // namespace lode::miner
