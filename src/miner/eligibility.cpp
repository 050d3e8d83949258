#include "miner/eligibility.h"

#include <fmt/format.h>

#include <charconv>

#include "chain/address.h"
#include "chain/keypair.h"

namespace lode::miner {
namespace {

const BlacklistEntry* find_entry(const chain::Neuron& neuron, const Config& config) {
  for (const auto& entry : config.blacklist) {
    if (entry.hotkey.empty() ? entry.uid == neuron.uid : entry.hotkey == neuron.hotkey) {
      return &entry;
    }
  }
  return nullptr;
}

/// Why an axon's address is no place to call, if so.
std::optional<std::string> unreachable(const chain::Neuron& neuron, const Config& config) {
  switch (chain::reach_of(neuron.ip)) {
    case chain::Reach::nowhere:
      return "not serving: its axon address is " + neuron.ip;
    case chain::Reach::not_a_host:
      return "its axon address " + neuron.ip + " is no host's (multicast or reserved)";
    case chain::Reach::loopback:
    case chain::Reach::local:
      if (!config.allow_private_axons) {
        return "its axon address " + neuron.ip + " is private: not reachable on a public chain";
      }
      break;
    case chain::Reach::anywhere:
      break;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> reason_to_skip(const chain::Neuron& neuron, const Config& config) {
  if (const BlacklistEntry* entry = find_entry(neuron, config)) {
    const std::string by = entry->hotkey.empty() ? fmt::format("uid {}", entry->uid) : "hotkey";
    return fmt::format("blacklisted by {}: {}", by,
                       entry->reason.empty() ? "no reason given" : entry->reason);
  }
  if (auto reason = unreachable(neuron, config)) {
    return reason;
  }
  if (neuron.port == 0) {
    return "not serving: its axon port is 0";
  }
  if (neuron.stake < config.min_stake) {
    return fmt::format("stake {:.7g} is below the minimum of {:.7g}", neuron.stake,
                       config.min_stake);
  }
  return std::nullopt;
}

bool is_validator(const chain::Neuron& neuron, const Config& config) {
  return neuron.validator_permit || neuron.stake >= config.min_stake ||
         find_entry(neuron, config) != nullptr;
}

Result<BlacklistEntry> parse_blacklist_entry(std::string_view text) {
  BlacklistEntry entry;
  const std::size_t equals = text.find('=');
  std::string_view name = text.substr(0, equals);
  if (equals != text.npos) {
    entry.reason = std::string(text.substr(equals + 1));
  }
  if (name.starts_with("uid:")) {
    name.remove_prefix(4);
  }
  const auto [end, ec] = std::from_chars(name.data(), name.data() + name.size(), entry.uid);
  if (ec == std::errc() && end == name.data() + name.size() && entry.uid >= 0) {
    return entry;
  }
  entry.uid = -1;
  if (!chain::ss58_decode(name)) {
    return fail(Errc::invalid_input, "blacklist entry '" + std::string(text) +
                                         "': a UID or a hotkey was expected, as in 180=reason");
  }
  entry.hotkey = std::string(name);
  return entry;
}

}  // namespace lode::miner
