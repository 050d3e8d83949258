// The address text of a public key.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lode::chain {

using PublicKey = std::array<std::uint8_t, 32>;

/// The address text of a key: base58 with network prefix 42 and a BLAKE2b checksum. 47 or 48
/// characters.
std::string ss58_encode(const PublicKey& key);
/// Errc::invalid_input for a bad character, length, prefix or checksum, each named.
Result<PublicKey> ss58_decode(std::string_view address);

}  // namespace lode::chain
