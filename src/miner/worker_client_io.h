// One task through one worker: generate, prepare, judge.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "miner/scheduler.h"
#include "miner/worker_pool_io.h"
#include "pipeline/stage.h"

namespace lode::miner {

/// What came of one attempt.
struct Attempt {
  Result<Candidate> candidate;
  bool is_request_bad = false;  ///< the task cannot be served by any worker
  std::vector<pipeline::StageTime> stages;
};

/// What makes a worker's candidates, for StoredCandidate::config: docs/formats/journal.md.
std::string config_of(const WorkerAddress& address);

/// Longest a worker may take for a splat before it is given up (the base miner's client waits as
/// long), and for a verdict.
inline constexpr Duration kGenerationTimeout = std::chrono::seconds(300);
inline constexpr Duration kValidationTimeout = std::chrono::seconds(60);

/// Posts the task to the generation service, prepares the answered PLY on `cpu` (precondition,
/// SPZ, data checks) and has exactly those bytes judged. A splat that fails the data checks is a
/// candidate of score 0, so that another seed is tried.
boost::asio::awaitable<Attempt> make_candidate(WorkerAddress address, subnet::Task task,
                                               std::uint64_t seed, boost::asio::thread_pool& cpu);

}  // namespace lode::miner
