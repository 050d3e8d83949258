// The permutation under SHA-3 and STROBE: Keccak-f[1600].
#pragma once

#include <cstdint>
#include <span>

namespace lode::chain {

/// Applies Keccak-f[1600] (FIPS 202 section 3) to 25 lanes; lane (x, y) is at index x + 5 y.
void keccak_f1600(std::span<std::uint64_t, 25> lanes);

}  // namespace lode::chain
