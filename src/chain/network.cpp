#include "chain/network.h"

namespace lode::chain {
namespace {

struct Network {
  std::string_view name;
  std::string_view url;
};

// bittensor 9.9.0, core/settings.py.
constexpr Network kNetworks[] = {
    {"finney", "wss://entrypoint-finney.opentensor.ai:443"},
    {"test", "wss://test.finney.opentensor.ai:443"},
    {"archive", "wss://archive.chain.opentensor.ai:443"},
    {"local", "ws://127.0.0.1:9944"},
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

std::string registration_advice(std::string_view hotkey, int netuid, std::string_view network) {
  const std::string subnet = std::to_string(netuid);
  return "hotkey " + std::string(hotkey) + " is not registered on netuid " + subnet + " of " +
         std::string(network) + ": run `btcli subnet register --netuid " + subnet +
         " --subtensor.network " + std::string(network) +
         " --wallet.name NAME --wallet.hotkey HOTKEY`, or name the wallet that is registered";
}

}  // namespace lode::chain
