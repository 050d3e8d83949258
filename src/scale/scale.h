// SCALE: the encoding of everything that a Substrate node stores or answers.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace lode::scale {

__extension__ typedef unsigned __int128 U128;  // NOLINT: `using` warns under -Wpedantic

/// An unsigned integer in SCALE's compact form: 1, 2, 4 or up to 17 bytes.
template <class T>
struct Compact {
  T value{};
  bool operator==(const Compact&) const = default;
};

/// Names a member for structs. A struct that is read and written lists its members in order:
///
///   struct Point {
///     std::uint16_t x, y;
///     static constexpr auto scale_fields() {
///       return std::tuple{scale::field("x", &Point::x), scale::field("y", &Point::y)};
///     }
///   };
template <class S, class M>
struct Field {
  std::string_view name;
  M S::*member;
};
template <class S, class M>
constexpr Field<S, M> field(std::string_view name, M S::*member) {
  return {name, member};
}

/// Where in a value a decoder is: names and indexes linked on the stack, spelt out for an error
/// only. The parent must outlive the child.
class Path {
 public:
  explicit constexpr Path(std::string_view name) : name_(name) {}
  constexpr Path(const Path& parent, std::string_view name) : parent_(&parent), name_(name) {}
  constexpr Path(const Path& parent, std::size_t index) : parent_(&parent), index_(index) {}

  /// "metagraph.axons[3].port"
  std::string to_string() const;

 private:
  static constexpr std::size_t kNoIndex = std::numeric_limits<std::size_t>::max();
  const Path* parent_ = nullptr;
  std::string_view name_;
  std::size_t index_ = kNoIndex;
};

/// Reads a buffer front to back. The first failure sticks: after it every read gives a zero value
/// and nothing more is taken, so that callers look once, at the end.
class Decoder {
 public:
  explicit Decoder(ByteView bytes) : reader_(bytes) {}

  bool has_failed() const { return error_.has_value(); }
  /// The first failure; has_failed() must hold.
  const Error& error() const { return *error_; }
  std::size_t offset() const { return reader_.offset(); }
  std::size_t remaining() const { return reader_.remaining(); }

  /// The next `count` bytes, or an empty view.
  ByteView take(std::size_t count, const Path& path);
  /// A compact integer; longer forms than needed and values above `max` are failures.
  U128 compact(U128 max, const Path& path);
  /// The count that opens a vector. One whose items, of at least `min_item_bytes` each, cannot be
  /// in the remaining bytes is a failure, so memory is bounded by the input.
  std::size_t count(std::size_t min_item_bytes, const Path& path);
  void fail(const Path& path, std::string_view what);

 private:
  ByteReader reader_;
  std::optional<Error> error_;
};

void encode_compact(ByteWriter& out, U128 value);

namespace detail {

template <class T>
inline constexpr bool kIsInteger =
    (std::integral<T> && !std::same_as<T, bool>) || std::same_as<T, U128>;

template <class T>
struct Form : std::false_type {};  // what the primary template's specialisations below cover
template <class T>
struct Form<Compact<T>> : std::true_type {
  static constexpr std::size_t kMinBytes = 1;
  static Compact<T> decode(Decoder& in, const Path& path) {
    return {static_cast<T>(in.compact(static_cast<T>(~T{0}), path))};
  }
  static void encode(ByteWriter& out, const Compact<T>& value) { encode_compact(out, value.value); }
};

}  // namespace detail

template <class T>
constexpr std::size_t min_bytes();
template <class T>
T decode(Decoder& in, const Path& path);
template <class T>
void encode(ByteWriter& out, const T& value);

namespace detail {

template <class T>
struct Form<std::optional<T>> : std::true_type {
  static constexpr std::size_t kMinBytes = 1;
  static std::optional<T> decode(Decoder& in, const Path& path) {
    const ByteView tag = in.take(1, path);
    if (tag.empty() || tag[0] == 0) {
      return std::nullopt;
    }
    if (tag[0] != 1) {
      in.fail(path, "0 or 1 was expected for an option");
      return std::nullopt;
    }
    return scale::decode<T>(in, path);
  }
  static void encode(ByteWriter& out, const std::optional<T>& value) {
    out.write<std::uint8_t>(value ? 1 : 0);
    if (value) {
      scale::encode(out, *value);
    }
  }
};

template <class T>
struct Form<std::vector<T>> : std::true_type {
  static constexpr std::size_t kMinBytes = 1;
  static std::vector<T> decode(Decoder& in, const Path& path) {
    static_assert(min_bytes<T>() > 0, "items without bytes could not be bounded");
    const std::size_t count = in.count(min_bytes<T>(), path);
    std::vector<T> items;
    items.reserve(count);
    for (std::size_t i = 0; i < count && !in.has_failed(); ++i) {
      items.push_back(scale::decode<T>(in, Path(path, i)));
    }
    return items;
  }
  static void encode(ByteWriter& out, const std::vector<T>& items) {
    encode_compact(out, items.size());
    for (const T& item : items) {
      scale::encode(out, item);
    }
  }
};

template <class T, std::size_t N>
struct Form<std::array<T, N>> : std::true_type {
  static constexpr std::size_t kMinBytes = N * min_bytes<T>();
  static std::array<T, N> decode(Decoder& in, const Path& path) {
    std::array<T, N> items{};
    for (std::size_t i = 0; i < N && !in.has_failed(); ++i) {
      items[i] = scale::decode<T>(in, Path(path, i));
    }
    return items;
  }
  static void encode(ByteWriter& out, const std::array<T, N>& items) {
    for (const T& item : items) {
      scale::encode(out, item);
    }
  }
};

template <std::size_t N>
struct Form<std::array<std::uint8_t, N>> : std::true_type {
  static constexpr std::size_t kMinBytes = N;
  static std::array<std::uint8_t, N> decode(Decoder& in, const Path& path) {
    std::array<std::uint8_t, N> bytes{};
    const ByteView view = in.take(N, path);
    std::copy(view.begin(), view.end(), bytes.begin());
    return bytes;
  }
  static void encode(ByteWriter& out, const std::array<std::uint8_t, N>& bytes) {
    out.write_bytes(bytes);
  }
};

template <>
struct Form<std::string> : std::true_type {
  static constexpr std::size_t kMinBytes = 1;
  static std::string decode(Decoder& in, const Path& path) {
    return std::string(as_text(in.take(in.count(1, path), path)));
  }
  static void encode(ByteWriter& out, const std::string& text) {
    encode_compact(out, text.size());
    out.write_bytes(as_bytes(text));
  }
};

template <>
struct Form<bool> : std::true_type {
  static constexpr std::size_t kMinBytes = 1;
  static bool decode(Decoder& in, const Path& path) {
    const ByteView byte = in.take(1, path);
    if (!byte.empty() && byte[0] > 1) {
      in.fail(path, "0 or 1 was expected for a bool");
      return false;
    }
    return !byte.empty() && byte[0] == 1;
  }
  static void encode(ByteWriter& out, bool value) { out.write<std::uint8_t>(value ? 1 : 0); }
};

template <class T>
requires kIsInteger<T>
struct Form<T> : std::true_type {
  static constexpr std::size_t kMinBytes = sizeof(T);
  static T decode(Decoder& in, const Path& path) {
    T value = 0;
    const ByteView view = in.take(sizeof(T), path);
    if (!view.empty()) {
      std::memcpy(&value, view.data(), sizeof(T));
    }
    return value;
  }
  static void encode(ByteWriter& out, T value) { out.write(value); }
};

template <class... T>
struct Form<std::tuple<T...>> : std::true_type {
  static constexpr std::size_t kMinBytes = (min_bytes<T>() + ... + 0);
  template <std::size_t... I>
  static std::tuple<T...> decode_items(Decoder& in, const Path& path, std::index_sequence<I...>) {
    return std::tuple<T...>{scale::decode<T>(in, Path(path, I))...};  // braces: left to right
  }
  static std::tuple<T...> decode(Decoder& in, const Path& path) {
    return decode_items(in, path, std::index_sequence_for<T...>());
  }
  static void encode(ByteWriter& out, const std::tuple<T...>& value) {
    std::apply([&out](const T&... items) { (scale::encode(out, items), ...); }, value);
  }
};

template <class S>
requires requires { S::scale_fields(); }
struct Form<S> : std::true_type {
  template <class M>
  static constexpr std::size_t member_bytes(const Field<S, M>&) {
    return min_bytes<M>();
  }
  static constexpr std::size_t kMinBytes = std::apply(
      [](const auto&... members) { return (member_bytes(members) + ... + 0); }, S::scale_fields());
  template <class M>
  static void decode_member(Decoder& in, const Path& path, const Field<S, M>& member, S& out) {
    out.*member.member = scale::decode<M>(in, Path(path, member.name));
  }
  static S decode(Decoder& in, const Path& path) {
    S value{};
    std::apply([&](const auto&... members) { (decode_member(in, path, members, value), ...); },
               S::scale_fields());
    return value;
  }
  static void encode(ByteWriter& out, const S& value) {
    std::apply([&](const auto&... members) { (scale::encode(out, value.*members.member), ...); },
               S::scale_fields());
  }
};

}  // namespace detail

/// The fewest bytes that a T takes.
template <class T>
constexpr std::size_t min_bytes() {
  static_assert(detail::Form<T>::value, "no SCALE form is known for this type");
  return detail::Form<T>::kMinBytes;
}

/// Reads a T: bool, integers to 128 bits, Compact, optional, vector, array, string, tuple, and
/// structs with `scale_fields`. On failure some value, and `in` says what failed.
template <class T>
T decode(Decoder& in, const Path& path) {
  static_assert(detail::Form<T>::value, "no SCALE form is known for this type");
  return detail::Form<T>::decode(in, path);
}

template <class T>
void encode(ByteWriter& out, const T& value) {
  static_assert(detail::Form<T>::value, "no SCALE form is known for this type");
  detail::Form<T>::encode(out, value);
}

template <class T>
Bytes encode(const T& value) {
  ByteWriter out;
  encode(out, value);
  return out.take();
}

/// What bytes after the value mean.
enum class Trailing {
  refuse,  ///< the value is all there may be
  ignore   ///< a later runtime may have added fields at the end
};

/// Reads one T from the start of `bytes`. Errc::invalid_input names the field by its path, which
/// begins with `name`.
template <class T>
Result<T> decode_all(ByteView bytes, std::string_view name, Trailing trailing = Trailing::refuse) {
  Decoder in(bytes);
  const Path path(name);
  T value = decode<T>(in, path);
  if (!in.has_failed() && trailing == Trailing::refuse && in.remaining() > 0) {
    in.fail(path, std::to_string(in.remaining()) + " bytes follow the value");
  }
  if (in.has_failed()) {
    return in.error();
  }
  return value;
}

}  // namespace lode::scale
