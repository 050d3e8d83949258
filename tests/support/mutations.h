// Damage for decoders: every truncation and bit flips of a valid file.
#pragma once

#include <cstddef>

#include "base/bytes.h"

namespace lode::test {

/// Calls `visit(bytes, length)` with every proper prefix of `file`; above `dense` bytes, only with
/// every `stride`-th one.
template <class Visit>
void for_each_truncation(ByteView file, const Visit& visit, std::size_t dense = 4096,
                         std::size_t stride = 61) {
  for (std::size_t length = 0; length < file.size(); length += length < dense ? 1 : stride) {
    visit(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(length)), length);
  }
}

/// Calls `visit(bytes, offset)` with each of the eight single-bit flips of every byte below `dense`
/// and of every `stride`-th byte after it.
template <class Visit>
void for_each_bit_flip(ByteView file, const Visit& visit, std::size_t dense = 512,
                       std::size_t stride = 61) {
  Bytes bytes(file.begin(), file.end());
  for (std::size_t offset = 0; offset < bytes.size(); offset += offset < dense ? 1 : stride) {
    for (int bit = 0; bit < 8; ++bit) {
      bytes[offset] ^= static_cast<std::uint8_t>(1 << bit);
      visit(bytes, offset);
      bytes[offset] ^= static_cast<std::uint8_t>(1 << bit);
    }
  }
}

}  // namespace lode::test
