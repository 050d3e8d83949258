// Which validators are asked, and why the others are not.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "chain/metagraph.h"
#include "miner/config.h"

namespace lode::miner {

/// Why `neuron` is not asked, as one line for people; nothing when it is.
std::optional<std::string> reason_to_skip(const chain::Neuron& neuron, const Config& config);

/// Whether `neuron` belongs in the ledger at all: it has a validator permit, enough stake, or a
/// blacklist entry. Plain miners do not.
bool is_validator(const chain::Neuron& neuron, const Config& config);

/// "uid:180", "180" or "5F..." with an optional "=reason"; Errc::invalid_input for anything else.
Result<BlacklistEntry> parse_blacklist_entry(std::string_view text);

}  // namespace lode::miner
