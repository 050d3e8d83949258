// What the miner needs of its hotkey.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace lode::chain {

using Signature = std::array<std::uint8_t, 64>;

/// Whoever can sign for one hotkey: the key itself, or a process that holds it.
class Signer {
 public:
  virtual ~Signer() = default;
  virtual const std::string& ss58() const = 0;
  /// A signature in the context "substrate". Throws where the holder of the key fails or refuses.
  virtual Signature sign_message(ByteView message) const = 0;
};

}  // namespace lode::chain
