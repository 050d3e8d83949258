// The node's side of the metagraph calls: what a subtensor would answer for a given metagraph.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "chain/metagraph.h"

namespace lode::chain {

/// Answers of the calls in `metagraph_scale.h` for neurons whose uids are 0, 1, 2, ... What a
/// Metagraph does not have is filled in: cold keys equal hotkeys, numbers are zero.
Bytes encode_selective_metagraph(const Metagraph& metagraph,
                                 const std::vector<std::uint16_t>& indexes);
Bytes encode_metagraph(const Metagraph& metagraph);
Bytes encode_neurons_lite(const Metagraph& metagraph);
Bytes encode_subnet_state(const Metagraph& metagraph);

}  // namespace lode::chain
