#include "simulate/ideal_queue.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <queue>
#include <vector>

namespace lode::simulate {
namespace {

constexpr int kTasks = 250'000;
/// Cycles of each validator at least, and those that are run before any is counted.
constexpr int kCycles = 128;
constexpr int kWarmUpCycles = 24;
constexpr std::uint64_t kSeed = 0x1DEA1;

template <class T>
using Soonest = std::priority_queue<T, std::vector<T>, std::greater<>>;

struct Waiting {
  double key;  ///< what it is chosen by, the smallest first
  double assigned;
  double generation;
  bool operator>(const Waiting& other) const { return key > other.key; }
};

/// The queue in its own time, which begins at 0 with the validators' first tasks spread over a
/// cooldown.
class IdealQueue {
 public:
  IdealQueue(const BoundInput& input, ServiceOrder order) : input_(input), order_(order) {
    for (int i = 0; i < input.validators; ++i) {
      assignments_.push(input.cooldown * i / input.validators);
    }
    for (int i = 0; i < input.workers; ++i) {
      free_at_.push(0);
    }
  }

  /// Serves one task; the seconds that its wait adds to the cycle.
  double serve_one() {
    now_ = std::max(now_, free_at_.top());
    if (waiting_.empty()) {
      now_ = std::max(now_, assignments_.top());
    }
    while (!assignments_.empty() && assignments_.top() <= now_) {
      const double assigned = assignments_.top();
      const double generation = input_.generation.sample(lengths_);
      waiting_.push(
          {order_ == ServiceOrder::first_come ? assigned : generation, assigned, generation});
      assignments_.pop();
    }
    const Waiting task = waiting_.top();
    waiting_.pop();
    free_at_.pop();
    free_at_.push(now_ + task.generation);
    const double unavoidable = overrun(task.generation);
    const double whole = overrun(now_ - task.assigned + task.generation);
    assignments_.push(task.assigned + input_.cooldown + whole);
    return whole - unavoidable;
  }

 private:
  /// The validators' int(): a part of a second is not waited for.
  double overrun(double seconds) const {
    return std::floor(std::max(0.0, seconds + input_.overhead - input_.throttle));
  }

  const BoundInput& input_;
  ServiceOrder order_;
  Rng lengths_{kSeed};
  double now_ = 0;
  Soonest<double> assignments_;  ///< to come, one of each validator that holds no task
  Soonest<double> free_at_;      ///< of each worker
  Soonest<Waiting> waiting_;
};

}  // namespace

double attainable(const BoundInput& input, double seconds, ServiceOrder order) {
  IdealQueue queue(input, order);
  for (int i = 0; i < kWarmUpCycles * input.validators; ++i) {
    queue.serve_one();
  }
  // Only what waiting adds is sampled; the rest of the cycle is known.
  const int tasks = std::max(kTasks, kCycles * input.validators);
  double added = 0;
  for (int i = 0; i < tasks; ++i) {
    added += queue.serve_one();
  }
  const double cycle = best_cycle(input) + added / tasks;
  return std::min(bound(input, seconds), input.validators * seconds / cycle);
}

}  // namespace lode::simulate
