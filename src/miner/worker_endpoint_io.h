// Foreign generation services as they are configured.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/endpoint.h"

namespace lode::miner {

/// One service and how it is used.
struct WorkerEndpoint {
  net::HttpUrl generation;
  std::optional<net::HttpUrl> validation{};  ///< none: the pool's
  double weight = 1;                         ///< 0.01..100: relative share of the work
  int concurrency = 1;                       ///< 1..64: tasks at the same time
  bool operator==(const WorkerEndpoint&) const = default;
};

/// "URL[,weight=2][,concurrency=3][,validation=URL]" each. An option may also stand as a text of
/// its own after its URL, since environment variables are split at commas before they come here.
/// Errc::invalid_input names the text and what was expected.
Result<std::vector<WorkerEndpoint>> parse_worker_endpoints(const std::vector<std::string>& texts);

}  // namespace lode::miner
