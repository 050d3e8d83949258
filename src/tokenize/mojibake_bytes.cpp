// The byte sequences that ftfy 6.3.1 mends (ALTERED_UTF8_RE and LOSSY_UTF8_RE of its chardata.py),
// and its lenient UTF-8 (bad_codecs/utf8_variants.py).
#include "tokenize/mojibake_bytes_internal.h"

#include <algorithm>
#include <bitset>
#include <span>

#include "tokenize/patterns_internal.h"
#include "tokenize/unicode_internal.h"

namespace lode::tokenize {
namespace {

constexpr unsigned char kSpace = 0x20;
constexpr unsigned char kLost = 0x1A;  // CodePage: stands for U+FFFD

class ByteSet {
 public:
  struct Range {
    unsigned first;
    unsigned last;
  };
  ByteSet(std::initializer_list<Range> ranges) {
    for (const Range& range : ranges) {
      for (unsigned byte = range.first; byte <= range.last; ++byte) {
        members_.set(byte);
      }
    }
  }
  bool matches(char byte) const { return members_.test(static_cast<unsigned char>(byte)); }

 private:
  std::bitset<256> members_;
};

using Sequences = std::vector<Sequence<ByteSet>>;

ByteSet byte(unsigned value) { return {{value, value}}; }

/// Sequences that are UTF-8 once their space is 0xA0. Left out: what would become unlikely
/// characters, as in the leads 0xE0 and 0xE1 followed by the space at once.
Sequences make_altered() {
  const ByteSet space = byte(kSpace);
  const ByteSet next = {{0x80, 0xBF}};
  const ByteSet likely_next = {{0x80, 0x84}, {0x86, 0x9F}, {0xA1, 0xBF}};
  const ByteSet lead_of_2 = {{0xC2, 0xC3}, {0xC5, 0xC5}, {0xCE, 0xCE}, {0xD0, 0xD0}, {0xD9, 0xD9}};
  const ByteSet lead_of_4 = byte(0xF0);
  return {{lead_of_2, space},
          {ByteSet{{0xE2, 0xE3}}, space, likely_next},
          {ByteSet{{0xE0, 0xE3}}, likely_next, space},
          {lead_of_4, space, next, next},
          {lead_of_4, next, space, next},
          {lead_of_4, next, next, space}};
}

/// Sequences with one byte or more lost; "?" counts as lost once.
Sequences make_lossy() {
  const ByteSet lost = byte(kLost);
  const ByteSet gap = {{kLost, kLost}, {'?', '?'}};
  const ByteSet next = {{kLost, kLost}, {0x80, 0xBF}};
  const ByteSet next_or_gap = {{kLost, kLost}, {'?', '?'}, {0x80, 0xBF}};
  const ByteSet surrogate = byte(0xED);
  const ByteSet high = {{0xA0, 0xAF}};
  const ByteSet low = {{0xB0, 0xBF}};
  const ByteSet lead_of_3 = {{0xE0, 0xEF}};
  const ByteSet lead_of_4 = {{0xF0, 0xF4}};
  return {{ByteSet{{0xC2, 0xDF}}, lost},
          {ByteSet{{0xC2, 0xC3}}, byte('?')},
          {surrogate, high, gap, surrogate, low, next_or_gap},
          {surrogate, high, next_or_gap, surrogate, low, gap},
          {lead_of_3, gap, next},
          {lead_of_3, next, gap},
          {lead_of_4, gap, next, next},
          {lead_of_4, next, gap, next},
          {lead_of_4, next, next, gap},
          {lost}};
}

/// 0xC3 before a space is "à" and the space stays, as in "à la", but for the Portuguese words that
/// start with it: àquele, àquela, àquilo, às.
bool is_grave_word(std::string_view after_space) {
  for (const std::string_view ending : {" ", "quele", "quela", "quilo", "s "}) {
    if (after_space.starts_with(ending)) {
      return false;
    }
  }
  return true;
}

std::string restore_grave_words(std::string_view bytes) {
  std::string result;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    result.push_back(bytes[i]);
    if (bytes.substr(i).starts_with("\xC3 ") && is_grave_word(bytes.substr(i + 2))) {
      result.push_back('\xA0');
    }
  }
  return result;
}

/// Whether only a line's end is left: where "$" of Python's expressions matches.
bool is_at_end(std::string_view rest) { return rest.empty() || rest == "\n"; }

bool is_between(char byte, unsigned first, unsigned last) {
  const auto value = static_cast<unsigned char>(byte);
  return value >= first && value <= last;
}

/// A pair of surrogates; like ftfy's expression, with the line's end for its last byte too.
bool is_surrogate_pair(std::string_view rest) {
  return rest.size() >= 6 && is_between(rest[1], 0xA0, 0xAF) && is_inside_character(rest[2]) &&
         rest[3] == '\xED' && is_between(rest[4], 0xB0, 0xBF) &&
         (is_inside_character(rest[5]) || is_at_end(rest.substr(5)));
}

char32_t surrogate_pair(std::string_view rest) {
  const auto bits = [&](std::size_t at, unsigned mask) {
    return static_cast<char32_t>(static_cast<unsigned char>(rest[at]) & mask);
  };
  return 0x10000 + (bits(1, 0x0F) << 16U) + (bits(2, 0x3F) << 10U) + (bits(4, 0x0F) << 6U) +
         bits(5, 0x3F);
}

/// Bytes of the variant that `rest` starts with, 0 for none; its character goes to `c`.
std::size_t variant_size(std::string_view rest, char32_t& c) {
  if (rest.starts_with('\xC0') && rest.size() > 1 &&
      (rest[1] == '\x80' || is_at_end(rest.substr(1)))) {
    c = 0;
    return 2;
  }
  if (rest.starts_with('\xED') && is_surrogate_pair(rest)) {
    c = surrogate_pair(rest);
    return 6;
  }
  return 0;
}

}  // namespace

std::string restore_byte_a0(std::string_view bytes) {
  static const Sequences altered = make_altered();
  const auto size_at = [&](std::string_view text, std::size_t i) {
    return match_size(std::span<const char>(text).subspan(i), altered);
  };
  std::size_t first = 0;
  while (first < bytes.size() && size_at(bytes, first) == 0) {
    ++first;
  }
  if (first == bytes.size()) {
    return std::string(bytes);
  }
  std::string result = restore_grave_words(bytes);
  for (std::size_t i = 0; i < result.size();) {
    const std::size_t size = size_at(result, i);
    const auto begin = result.begin() + static_cast<std::ptrdiff_t>(i);
    std::replace(begin, begin + static_cast<std::ptrdiff_t>(size), ' ', '\xA0');
    i += std::max<std::size_t>(size, 1);
  }
  return result;
}

std::string replace_lossy_sequences(std::string_view bytes) {
  static const Sequences lossy = make_lossy();
  std::string result;
  result.reserve(bytes.size());
  for (std::size_t i = 0; i < bytes.size();) {
    const std::size_t size = match_size(std::span<const char>(bytes).subspan(i), lossy);
    result += size > 0 ? std::string_view("\xEF\xBF\xBD") : bytes.substr(i, 1);
    i += std::max<std::size_t>(size, 1);
  }
  return result;
}

std::optional<std::u32string> decode_utf8_or_variants(std::string_view bytes) {
  std::u32string result;
  std::size_t plain_from = 0;
  const auto take_plain = [&](std::size_t end) {
    const std::string_view plain = bytes.substr(plain_from, end - plain_from);
    result += decode_utf8(plain);
    return is_utf8(plain);
  };
  for (std::size_t i = 0; i < bytes.size();) {
    char32_t c = 0;
    const std::size_t size = variant_size(bytes.substr(i), c);
    if (size == 0) {
      ++i;
      continue;
    }
    if (!take_plain(i)) {
      return std::nullopt;
    }
    result.push_back(c);
    i += size;
    plain_from = i;
  }
  if (!take_plain(bytes.size())) {
    return std::nullopt;
  }
  return result;
}

}  // namespace lode::tokenize
