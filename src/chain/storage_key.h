// Keys of the chain's storage: where a node keeps what its runtime calls do not tell.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "chain/ss58.h"

namespace lode::chain {

/// Little-endian XXH64 with seed 0, then with seed 1.
Bytes twox128(std::string_view text);

/// SubtensorModule.Uids of a hotkey: a little-endian u16, or null when it is not registered.
Bytes uid_key(std::uint16_t netuid, const PublicKey& hotkey);
/// SubtensorModule.Weights of a validator: what decode_weights reads.
Bytes weights_key(std::uint16_t netuid, std::uint16_t uid);

/// What uid_key leads to.
Result<std::uint16_t> decode_uid(ByteView bytes);

using Weights = std::vector<std::pair<std::uint16_t, std::uint16_t>>;  ///< uid, weight to 65535
Result<Weights> decode_weights(ByteView bytes);
Bytes encode_weights(const Weights& weights);

}  // namespace lode::chain
