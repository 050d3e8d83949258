// Bittensor's networks by name, and what to tell an operator about a missing registration.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lode::chain {

/// Where a network's nodes are asked: finney, test, archive, local, subvortex and latent-lite by
/// name; any other text is an address itself, as in the SDK.
std::string network_url(std::string_view name_or_url);

/// The addresses to use, in order: `endpoints` when there are any, else the network's.
std::vector<std::string> endpoint_urls(std::string_view network,
                                       const std::vector<std::string>& endpoints);

/// The network that is meant: `network` where it is given; else what the first of `endpoints` is
/// called in the SDK: a network's name, "local" for a node of this machine, or the address itself;
/// else finney.
std::string network_name(std::string_view network, const std::vector<std::string>& endpoints);

/// Whether a name is a public network's, as all names but "local" are.
bool is_public_network(std::string_view name);

/// What to do about a hotkey that the subnet does not know: the base miner's advice.
std::string registration_advice(std::string_view hotkey, int netuid, std::string_view network);

}  // namespace lode::chain
