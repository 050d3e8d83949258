#include "chain/metagraph_cache.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/json.h"
#include "chain/metagraph_json_internal.h"

namespace lode::chain {
namespace {

using Json = nlohmann::ordered_json;

/// File systems allow 255 bytes; a URL may be longer.
constexpr std::size_t kMaxNameInPath = 120;
/// Time counts nanoseconds in 64 bits, to the year 2262.
constexpr std::int64_t kLatestSecond = 9'000'000'000;

Result<std::string> text_at(const Json& root, const char* key) {
  const auto found = root.find(key);
  if (found == root.end() || !found->is_string()) {
    return fail(Errc::invalid_input, std::string(key) + ": a text was expected");
  }
  return found->get<std::string>();
}

Result<Time> time_at(const Json& root, const char* key) {
  const auto found = root.find(key);
  if (found == root.end() || !found->is_number_unsigned() ||
      found->get<std::uint64_t>() > static_cast<std::uint64_t>(kLatestSecond)) {
    return fail(Errc::invalid_input, std::string(key) + ": seconds since 1970 were expected");
  }
  return from_unix_seconds(found->get<std::int64_t>());
}

Result<CachedMetagraph> parse(std::string_view text) {
  CachedMetagraph cached;
  LODE_TRY(cached.metagraph, parse_metagraph(text));
  LODE_TRY(const Json root, parse_json(text));
  LODE_TRY(cached.network, text_at(root, "network"));
  LODE_TRY(cached.endpoint, text_at(root, "endpoint"));
  LODE_TRY(cached.read_at, time_at(root, "read_at"));
  return cached;
}

Result<void> check(const CachedMetagraph& cached, std::string_view network, int netuid,
                   const std::vector<std::string>& endpoints) {
  if (cached.network != network) {
    return fail(Errc::invalid_input,
                "network: '" + cached.network + "', not '" + std::string(network) + "'");
  }
  if (cached.metagraph.netuid != netuid) {
    return fail(Errc::invalid_input, "netuid: " + std::to_string(cached.metagraph.netuid) +
                                         ", not " + std::to_string(netuid));
  }
  if (std::find(endpoints.begin(), endpoints.end(), cached.endpoint) == endpoints.end()) {
    return fail(Errc::invalid_input,
                "endpoint: " + cached.endpoint + " is none of the nodes to be asked");
  }
  return {};
}

}  // namespace

std::filesystem::path metagraph_cache_path(const std::filesystem::path& folder,
                                           std::string_view network, int netuid) {
  std::string name(network.substr(0, kMaxNameInPath));
  std::replace_if(
      name.begin(), name.end(),
      [](unsigned char c) { return std::isalnum(c) == 0 && c != '.' && c != '-'; }, '_');
  return folder / ("metagraph-" + name + "-" + std::to_string(netuid) + ".json");
}

Result<void> write_metagraph_cache(const std::filesystem::path& path,
                                   const CachedMetagraph& cached) {
  Json root = {{"network", cached.network},
               {"endpoint", cached.endpoint},
               {"read_at", unix_seconds(cached.read_at)}};
  root.update(metagraph_json(cached.metagraph));
  return write_file(path, as_bytes(root.dump(1) + "\n"));
}

Result<CachedMetagraph> read_metagraph_cache(const std::filesystem::path& path,
                                             std::string_view network, int netuid,
                                             const std::vector<std::string>& endpoints) {
  LODE_TRY(const Bytes bytes, read_file(path, kMaxMetagraphFileBytes));
  Result<CachedMetagraph> cached = parse(as_text(bytes));
  if (!cached) {
    return annotate(cached.error(), path.string());
  }
  if (const auto fits = check(*cached, network, netuid, endpoints); !fits) {
    return annotate(fits.error(), path.string());
  }
  return cached;
}

}  // namespace lode::chain
