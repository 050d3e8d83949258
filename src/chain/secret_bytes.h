// Bytes that must not leak: keys, phrases, passwords.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/bytes.h"

namespace lode::chain {

/// A buffer of libsodium's guarded heap: locked in memory where the system allows it, left out of
/// core files, fenced by inaccessible pages, wiped when it goes. Move-only. Throws std::bad_alloc.
class SecretBytes {
 public:
  SecretBytes() = default;
  /// `size` zeros.
  explicit SecretBytes(std::size_t size);
  static SecretBytes copy_of(ByteView bytes);
  static SecretBytes copy_of(std::string_view text) { return copy_of(as_bytes(text)); }

  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  ~SecretBytes();

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  std::uint8_t* data() { return data_; }
  const std::uint8_t* data() const { return data_; }
  std::span<std::uint8_t> span() { return {data_, size_}; }
  ByteView view() const { return {data_, size_}; }
  std::string_view text() const { return as_text(view()); }
  SecretBytes clone() const { return copy_of(view()); }

  /// Forgets and wipes what lies beyond `size`, which is at most size().
  void truncate(std::size_t size);

 private:
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace lode::chain
