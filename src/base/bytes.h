// Bounded little-endian reading and writing of byte buffers.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.h"

namespace lode {

static_assert(std::endian::native == std::endian::little, "Lode's codecs assume little-endian");

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

/// The bytes of a text, without a copy. The text must outlive the view.
inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// Bytes as text, without a copy or a check of encoding. The bytes must outlive the view.
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Reads a buffer front to back and cannot overrun it: every read names the field it is for, and
/// fails with that name, the offset and the missing byte count.
class ByteReader {
 public:
  explicit ByteReader(ByteView bytes) : bytes_(bytes) {}

  std::size_t offset() const { return offset_; }
  std::size_t remaining() const { return bytes_.size() - offset_; }

  /// A view of the next `count` bytes.
  Result<ByteView> take(std::size_t count, std::string_view field);

  /// A little-endian value of a trivially copyable type.
  template <class T>
  Result<T> read(std::string_view field) {
    static_assert(std::is_trivially_copyable_v<T>);
    LODE_TRY(const ByteView view, take(sizeof(T), field));
    T value;
    std::memcpy(&value, view.data(), sizeof(T));
    return value;
  }

 private:
  ByteView bytes_;
  std::size_t offset_ = 0;
};

/// Appends little-endian values to a buffer that it owns.
class ByteWriter {
 public:
  template <class T>
  void write(T value) {
    static_assert(std::is_trivially_copyable_v<T>);
    const auto* raw = reinterpret_cast<const std::uint8_t*>(&value);
    bytes_.insert(bytes_.end(), raw, raw + sizeof(T));
  }
  void write_bytes(ByteView view) { bytes_.insert(bytes_.end(), view.begin(), view.end()); }

  const Bytes& bytes() const { return bytes_; }
  Bytes take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

}  // namespace lode
