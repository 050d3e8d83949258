#include "miner/worker_choice.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"

namespace lode::miner {
namespace {

/// Share of the newest task in the running mean: the last ten or so count.
constexpr double kNewest = 0.2;
/// What a task is taken to need before any worker was seen to finish one.
constexpr double kUnknownSeconds = 1;
/// A task that was cancelled after this many times the expected duration, and this many seconds,
/// tells that the worker hangs.
constexpr double kHangs = 3;
constexpr double kShortestHang = 1;

}  // namespace

WorkerChoice::Id WorkerChoice::add(WorkerTraits traits) {
  LODE_ASSERT(traits.weight > 0 && traits.concurrency >= 1, "a worker can be given work");
  workers_[++last_id_].traits = std::move(traits);
  return last_id_;
}

void WorkerChoice::change(Id id, WorkerTraits traits) {
  workers_.at(id).traits = std::move(traits);
}

void WorkerChoice::remove(Id id) { workers_.erase(id); }

void WorkerChoice::set_health(Id id, bool is_healthy, std::string reason) {
  Worker& worker = workers_.at(id);
  worker.is_healthy = is_healthy;
  worker.has_started = true;
  worker.health_reason = std::move(reason);
}

bool WorkerChoice::is_healthy(Id id) const { return workers_.at(id).is_healthy; }

void WorkerChoice::count_restart(Id id) { ++workers_.at(id).restarts; }

int WorkerChoice::room(const Worker& worker, Time now) {
  const bool is_held = worker.held_until && now < *worker.held_until;
  const bool is_open = worker.open_until && now < *worker.open_until;
  if (!worker.is_healthy || is_held || is_open) {
    return 0;
  }
  const int most = worker.open_until ? 1 : worker.traits.concurrency;
  return std::max(0, most - worker.running);
}

double WorkerChoice::expected_seconds(const Worker& worker) const {
  if (worker.seconds) {
    return *worker.seconds;
  }
  double sum = 0;
  int count = 0;
  for (const auto& [id, other] : workers_) {
    sum += other.seconds.value_or(0);
    count += other.seconds ? 1 : 0;
  }
  return count == 0 ? kUnknownSeconds : sum / count;
}

std::optional<WorkerChoice::Id> WorkerChoice::begin(Time now) {
  std::optional<Id> best;
  const auto rank = [&](const Worker& worker) {
    return std::pair(std::max(worker.share, share_), expected_seconds(worker));
  };
  for (const auto& [id, worker] : workers_) {
    if (room(worker, now) > 0 && (!best || rank(worker) < rank(workers_.at(*best)))) {
      best = id;
    }
  }
  if (!best) {
    return std::nullopt;
  }
  Worker& worker = workers_.at(*best);
  share_ = std::max(worker.share, share_);
  worker.share =
      share_ + expected_seconds(worker) / (worker.traits.weight * worker.traits.concurrency);
  worker.is_trial = worker.open_until.has_value();
  ++worker.running;
  return best;
}

void WorkerChoice::end(Id id, const WorkerOutcome& outcome, Time now) {
  const auto found = workers_.find(id);
  if (found == workers_.end()) {
    return;  // removed while the task was under way
  }
  Worker& worker = found->second;
  --worker.running;
  switch (outcome.kind) {
    case WorkerOutcome::Kind::neutral:
      break;
    case WorkerOutcome::Kind::given_up:
      if (outcome.seconds >= std::max(kHangs * expected_seconds(worker), kShortestHang)) {
        fail(worker, outcome, fmt::format("not ready after {:.1f} s", outcome.seconds), now);
      }
      break;
    case WorkerOutcome::Kind::succeeded:
      ++worker.finished;
      worker.failures_in_a_row = 0;
      worker.open_until.reset();
      worker.last_failure.clear();
      worker.seconds = worker.seconds ? (1 - kNewest) * *worker.seconds + kNewest * outcome.seconds
                                      : outcome.seconds;
      break;
    case WorkerOutcome::Kind::failed:
    case WorkerOutcome::Kind::stuck:
      fail(worker, outcome, outcome.reason, now);
      break;
    case WorkerOutcome::Kind::busy:
      worker.held_until = now + outcome.pause;
      break;
  }
  worker.is_trial = false;
}

void WorkerChoice::fail(Worker& worker, const WorkerOutcome& outcome, const std::string& reason,
                        Time now) {
  const bool failed_with_another =
      outcome.began && worker.last_failed && *outcome.began <= *worker.last_failed;
  ++worker.failed;
  worker.failures_in_a_row += failed_with_another ? 0 : 1;
  worker.last_failed = now;
  worker.last_failure = reason;
  if (worker.is_trial) {
    worker.pause = std::min(2 * worker.pause, rules_.longest_pause);
    worker.open_until = now + worker.pause;
  } else if (!worker.open_until && worker.failures_in_a_row >= rules_.failures) {
    worker.pause = rules_.first_pause;
    worker.open_until = now + worker.pause;
  }
}

int WorkerChoice::slots(Time now) const {
  int slots = 0;
  for (const auto& [id, worker] : workers_) {
    slots += worker.running + room(worker, now);
  }
  return slots;
}

WorkerView WorkerChoice::view(Id id, Time now) const {
  const Worker& worker = workers_.at(id);
  WorkerView view;
  view.name = worker.traits.name;
  view.reason = worker.last_failure;
  view.finished = worker.finished;
  view.failed = worker.failed;
  view.restarts = worker.restarts;
  view.running = worker.running;
  view.concurrency = worker.traits.concurrency;
  view.weight = worker.traits.weight;
  view.seconds = worker.seconds;
  if (!worker.is_healthy) {
    view.state = worker.has_started ? "unhealthy" : "starting";
    view.reason = worker.health_reason;
    if (!worker.last_failure.empty() && worker.last_failure != view.reason) {
      view.reason += "; the last failure: " + worker.last_failure;
    }
  } else if (worker.open_until) {
    const bool is_waiting = now < *worker.open_until;
    view.state = is_waiting ? "open" : "trial";
    view.reason = std::to_string(worker.failures_in_a_row) +
                  " failures in a row, the last: " + worker.last_failure;
    if (is_waiting) {
      view.retry_seconds = to_seconds(*worker.open_until - now);
    }
  } else if (worker.held_until && now < *worker.held_until) {
    view.state = "held";
    view.reason = "it asked to be left alone (Retry-After)";
    view.retry_seconds = to_seconds(*worker.held_until - now);
  } else {
    view.state = worker.running > 0 ? "busy" : "idle";
  }
  return view;
}

}  // namespace lode::miner
