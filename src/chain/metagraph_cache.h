// The last good metagraph in a file, for a start while no node answers.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "chain/metagraph.h"

namespace lode::chain {

/// A metagraph with where and when it was read.
struct CachedMetagraph {
  Metagraph metagraph;
  std::string network;   ///< as the operator names it, without what may be a secret
  std::string endpoint;  ///< of the node that gave it, "wss://host:port"
  Time read_at{};        ///< kept to the second
};

/// `folder`/metagraph-<network>-<netuid>.json; what is no letter, digit, dot or dash of the network
/// becomes `_`.
std::filesystem::path metagraph_cache_path(const std::filesystem::path& folder,
                                           std::string_view network, int netuid);

/// Writes the `--metagraph.file` form with three keys more: `network`, `endpoint` and `read_at`
/// (seconds since the epoch).
Result<void> write_metagraph_cache(const std::filesystem::path& path,
                                   const CachedMetagraph& cached);

/// Reads such a file. Errors name it: not_found where there is none, invalid_input where it is
/// damaged, of another network or netuid, or from a node that is none of `endpoints`. The last
/// keeps apart two chains that are called by one name.
Result<CachedMetagraph> read_metagraph_cache(const std::filesystem::path& path,
                                             std::string_view network, int netuid,
                                             const std::vector<std::string>& endpoints);

}  // namespace lode::chain
