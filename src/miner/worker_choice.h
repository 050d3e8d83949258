// Which worker gets the next task: health, circuit breaking, weights and latency, without I/O.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"

namespace lode::miner {

/// One worker as people see it.
struct WorkerView {
  std::string name;  ///< "local 1" or an endpoint
  /// starting, idle, busy, unhealthy (no answer to /health), open (its circuit: not used after
  /// failures), trial (half-open: one task decides), held (it asked to be left alone).
  std::string state;
  std::string reason;         ///< why the state is bad, else the last failure, or empty
  std::int64_t finished = 0;  ///< tasks
  std::int64_t failed = 0;    ///< tasks
  std::int64_t restarts = 0;  ///< of the local process
  int running = 0;            ///< tasks at this moment
  int concurrency = 1;        ///< tasks at the same time
  double weight = 1;
  std::optional<double> seconds;        ///< of a task, recent ones counting most
  std::optional<double> retry_seconds;  ///< open, held: until it is used again
};

/// When a failing worker is left alone, and for how long.
struct CircuitRules {
  int failures = 3;  ///< in a row
  Duration first_pause = std::chrono::seconds(5);
  Duration longest_pause = std::chrono::minutes(5);
};

/// What is configured of one worker.
struct WorkerTraits {
  std::string name;
  double weight = 1;    ///< > 0: relative share of the work
  int concurrency = 1;  ///< >= 1: tasks at the same time
};

/// How a task at a worker ended.
struct WorkerOutcome {
  enum class Kind {
    neutral,    ///< the request itself was bad: says nothing of the worker
    given_up,   ///< cancelled after `seconds`: a failure if that is far beyond what is expected
    succeeded,  ///< took `seconds`
    failed,     ///< for `reason`
    stuck,      ///< failed by taking too long: a local process is restarted
    busy        ///< it asked to be left alone for `pause`: no failure
  };
  Kind kind = Kind::neutral;
  double seconds = 0;
  std::string reason{};
  Duration pause{};
  /// When the task began, where known: one that began before the worker last failed fails with it.
  std::optional<Time> began{};
};

/// Keeps count of the workers and says who is next.
///
/// Among those with room, the one with the least work done for its weight is chosen, where a task
/// counts by how long it takes there, divided by how many it takes at a time: workers get tasks in
/// proportion to weight * concurrency / seconds, and the fastest is first among equals. A worker
/// that could not be used for a while does not catch up.
///
/// Tasks that run at the same time and fail together, as a process's do when it crashes, count as
/// one failure. After `failures` failed tasks in a row a worker's circuit is open for
/// `first_pause`; then one task is tried. When that fails too, the pause doubles up to
/// `longest_pause`; when it succeeds, all is forgotten. A task that was cancelled after three times
/// what is expected of the worker (at least a second) counts as failed: otherwise one that hangs
/// would be given ever new tasks, each cancelled when another worker was faster.
class WorkerChoice {
 public:
  using Id = std::uint64_t;

  explicit WorkerChoice(CircuitRules rules = {}) : rules_(rules) {}

  /// A worker that is starting: not used before set_health().
  Id add(WorkerTraits traits);
  void change(Id id, WorkerTraits traits);
  /// Its tasks may end later; nothing is made of them.
  void remove(Id id);

  void set_health(Id id, bool is_healthy, std::string reason);
  bool is_healthy(Id id) const;
  void count_restart(Id id);

  /// The worker for one task, which counts as begun; nothing when none has room.
  std::optional<Id> begin(Time now);
  void end(Id id, const WorkerOutcome& outcome, Time now);

  /// Tasks under way and tasks that could be begun now.
  int slots(Time now) const;
  WorkerView view(Id id, Time now) const;

 private:
  struct Worker {
    WorkerTraits traits;
    bool is_healthy = false;
    std::string health_reason = "starting";
    bool has_started = false;
    int running = 0;
    double share = 0;  ///< seconds of work done, divided by the weight
    std::optional<double> seconds;
    std::string last_failure;
    int failures_in_a_row = 0;
    std::optional<Time> last_failed;
    std::optional<Time> open_until;  ///< in the past: half-open
    Duration pause{};                ///< of the open circuit
    bool is_trial = false;           ///< the running task decides about the circuit
    std::optional<Time> held_until;
    std::int64_t finished = 0;
    std::int64_t failed = 0;
    std::int64_t restarts = 0;
  };
  static int room(const Worker& worker, Time now);
  double expected_seconds(const Worker& worker) const;
  void fail(Worker& worker, const WorkerOutcome& outcome, const std::string& reason, Time now);

  CircuitRules rules_;
  std::map<Id, Worker> workers_;
  Id last_id_ = 0;
  double share_ = 0;  ///< of the worker chosen last: where newcomers begin
};

}  // namespace lode::miner
