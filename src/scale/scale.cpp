#include "scale/scale.h"

namespace lode::scale {
namespace {

// The low two bits of a compact integer's first byte.
enum Mode : std::uint8_t { one_byte = 0, two_bytes = 1, four_bytes = 2, big = 3 };
constexpr unsigned kModeBits = 2;
constexpr std::size_t kMinBigBytes = 4;

/// "340282366920938463463374607431768211455": std::to_string knows no 128 bits.
std::string decimal(U128 value) {
  std::string digits;
  do {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(value % 10)));
    value /= 10;
  } while (value != 0);
  return digits;
}

U128 little_endian(ByteView bytes) {
  U128 value = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) {
    value = value << 8 | bytes[i - 1];
  }
  return value;
}

}  // namespace

std::string Path::to_string() const {
  const std::string here =
      index_ == kNoIndex ? std::string(name_) : "[" + std::to_string(index_) + "]";
  if (parent_ == nullptr) {
    return here;
  }
  return parent_->to_string() + (index_ == kNoIndex ? "." : "") + here;
}

void Decoder::fail(const Path& path, std::string_view what) {
  if (!error_) {
    error_ = Error{Errc::invalid_input, path.to_string() + ": " + std::string(what) + " (byte " +
                                            std::to_string(offset()) + ")"};
  }
}

ByteView Decoder::take(std::size_t count, const Path& path) {
  if (error_) {
    return {};
  }
  if (count > remaining()) {
    fail(path, std::to_string(count) + " bytes were expected, " + std::to_string(remaining()) +
                   " are left");
    return {};
  }
  return *reader_.take(count, "");
}

U128 Decoder::compact(U128 max, const Path& path) {
  const ByteView first = take(1, path);
  if (first.empty()) {
    return 0;
  }
  const std::uint8_t head = first[0];
  U128 value = head >> kModeBits;
  bool is_shortest = true;
  if ((head & 3) == big) {
    const std::size_t length = (head >> kModeBits) + kMinBigBytes;
    if (length > sizeof(U128)) {
      fail(path, "a compact integer of " + std::to_string(length) + " bytes; 16 are the most");
      return 0;
    }
    const ByteView rest = take(length, path);
    value = little_endian(rest);
    is_shortest = rest.empty() || (length == kMinBigBytes ? value >> 30 != 0 : rest.back() != 0);
  } else if ((head & 3) != one_byte) {
    const std::size_t length = (head & 3) == two_bytes ? 2 : 4;
    const ByteView rest = take(length - 1, path);
    value |= little_endian(rest) << (8 - kModeBits);
    is_shortest = rest.empty() || value >> (length == 2 ? 6 : 14) != 0;
  }
  if (!is_shortest) {
    fail(path, "a compact integer longer than it need be");
  } else if (value > max) {
    fail(path, decimal(value) + " is above the largest value, " + decimal(max));
  }
  return has_failed() ? 0 : value;
}

std::size_t Decoder::count(std::size_t min_item_bytes, const Path& path) {
  const auto count =
      static_cast<std::uint32_t>(compact(std::numeric_limits<std::uint32_t>::max(), path));
  if (has_failed() || count <= remaining() / min_item_bytes) {
    return count;
  }
  fail(path, std::to_string(count) + " items are announced, more than the remaining " +
                 std::to_string(remaining()) + " bytes can hold");
  return 0;
}

void encode_compact(ByteWriter& out, U128 value) {
  if (value >> 6 == 0) {
    out.write(static_cast<std::uint8_t>(value << kModeBits));
  } else if (value >> 14 == 0) {
    out.write(static_cast<std::uint16_t>(value << kModeBits | two_bytes));
  } else if (value >> 30 == 0) {
    out.write(static_cast<std::uint32_t>(value << kModeBits | four_bytes));
  } else {
    std::size_t length = kMinBigBytes;
    while (length < sizeof(U128) && value >> (8 * length) != 0) {
      ++length;
    }
    out.write(static_cast<std::uint8_t>((length - kMinBigBytes) << kModeBits | big));
    for (std::size_t i = 0; i < length; ++i) {
      out.write(static_cast<std::uint8_t>(value >> (8 * i)));
    }
  }
}

}  // namespace lode::scale
