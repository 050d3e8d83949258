// One task through one worker: generate, prepare, judge.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "miner/artifact_store.h"
#include "miner/scheduler.h"
#include "miner/worker_pool_io.h"
#include "pipeline/stage.h"

namespace lode::miner {

/// What came of one attempt.
struct Attempt {
  Result<Candidate> candidate;
  bool is_request_bad = false;  ///< the task cannot be served by any worker
  /// What was wrong with the splat that the worker answered, when it cannot be sent; else empty.
  std::string junk{};
  bool is_scorer_to_blame = false;  ///< a validation service of its own failed, not the worker
  /// The worker answered "not now" and how long to leave it alone.
  std::optional<Duration> retry_after{};
  std::vector<pipeline::StageTime> stages{};
};

/// What is to be made.
struct GenerationJob {
  subnet::Task task;
  std::uint64_t seed = 0;
  Duration limit = std::chrono::seconds(300);  ///< for the splat
  /// Of the SPZ that is made of it; a larger one is junk.
  std::size_t largest_spz = kMaxArtifactBytes;
  /// Asked when the splat is to be judged: below which score the verdict does not matter, so that a
  /// judge of Lode's may stop early. May be empty.
  std::function<std::optional<double>()> floor{};
};

/// What makes a worker's candidates, for StoredCandidate::config: docs/formats/journal.md.
std::string config_of(const WorkerAddress& address);
/// What an attempt says of the worker.
WorkerOutcome outcome_of(const Attempt& attempt);

/// Longest that a worker may take for a verdict.
inline constexpr Duration kValidationTimeout = std::chrono::seconds(60);

/// Posts the task to the generation service, prepares the answered PLY on `cpu` (precondition,
/// SPZ, data checks) and has exactly those bytes judged. A splat that fails the data checks is a
/// candidate of score 0, so that another seed is tried. Cancelling the awaiting task closes the
/// connection, by which a Lode worker knows to stop, and gives Errc::cancelled.
boost::asio::awaitable<Attempt> make_candidate(WorkerAddress address, GenerationJob job,
                                               boost::asio::thread_pool& cpu);

}  // namespace lode::miner
