#include "chain/network.h"

#include <algorithm>

namespace lode::chain {
namespace {

constexpr std::string_view kLocal = "local";

struct Network {
  std::string_view name;
  std::string_view url;
};

// bittensor 9.9.0, core/settings.py.
constexpr Network kNetworks[] = {
    {"finney", "wss://entrypoint-finney.opentensor.ai:443"},
    {"test", "wss://test.finney.opentensor.ai:443"},
    {"archive", "wss://archive.chain.opentensor.ai:443"},
    {kLocal, "ws://127.0.0.1:9944"},
    {"subvortex", "ws://subvortex.info:9944"},
    {"latent-lite", "wss://lite.sub.latent.to:443"},
};

}  // namespace

std::string network_url(std::string_view name_or_url) {
  for (const Network& network : kNetworks) {
    if (network.name == name_or_url) {
      return std::string(network.url);
    }
  }
  return std::string(name_or_url);
}

std::vector<std::string> endpoint_urls(std::string_view network,
                                       const std::vector<std::string>& endpoints) {
  if (endpoints.empty()) {
    return {network_url(network)};
  }
  std::vector<std::string> urls;
  for (const std::string& endpoint : endpoints) {
    urls.push_back(network_url(endpoint));
  }
  return urls;
}

std::string network_name(std::string_view network, const std::vector<std::string>& endpoints) {
  if (!network.empty()) {
    return std::string(network);
  }
  if (endpoints.empty()) {
    return "finney";
  }
  const std::string& first = endpoints.front();
  for (const Network& known : kNetworks) {
    if (first == known.name || first == known.url) {
      return std::string(known.name);
    }
  }
  const bool is_local = first.find("//127.0.0.1") != first.npos ||
                        first.find("//localhost") != first.npos ||
                        first.find("//[::1]") != first.npos;
  return is_local ? std::string(kLocal) : first;
}

bool is_public_network(std::string_view name) {
  return name != kLocal && std::any_of(std::begin(kNetworks), std::end(kNetworks),
                                       [&](const Network& known) { return known.name == name; });
}

std::string registration_advice(std::string_view hotkey, int netuid, std::string_view network) {
  const std::string subnet = std::to_string(netuid);
  return "hotkey " + std::string(hotkey) + " is not registered on netuid " + subnet + " of " +
         std::string(network) + ": run `btcli subnet register --netuid " + subnet +
         " --subtensor.network " + std::string(network) +
         " --wallet.name NAME --wallet.hotkey HOTKEY`, or name the wallet that is registered";
}

}  // namespace lode::chain
