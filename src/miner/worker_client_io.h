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

/// What is to be made.
struct GenerationJob {
  subnet::Task task;
  std::uint64_t seed = 0;
  Duration limit = std::chrono::seconds(300);  ///< for the splat
};

/// What makes a worker's candidates, for StoredCandidate::config: docs/formats/journal.md.
std::string config_of(const WorkerAddress& address);

/// Longest that a worker may take for a verdict.
inline constexpr Duration kValidationTimeout = std::chrono::seconds(60);

/// Posts the task to the generation service, prepares the answered PLY on `cpu` (precondition,
/// SPZ, data checks) and has exactly those bytes judged. A splat that fails the data checks is a
/// candidate of score 0, so that another seed is tried. Cancelling the awaiting task closes the
/// connection, by which a Lode worker knows to stop, and gives Errc::cancelled.
boost::asio::awaitable<Attempt> make_candidate(WorkerAddress address, GenerationJob job,
                                               boost::asio::thread_pool& cpu);

}  // namespace lode::miner
