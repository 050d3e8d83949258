#include "lode/top_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace lode::top {
namespace {

using Range = std::pair<char32_t, char32_t>;

/// Characters without a column of their own, or with power over a terminal.
constexpr std::array<Range, 12> kUnfit{{{0x0000, 0x001f},
                                        {0x007f, 0x009f},
                                        {0x00ad, 0x00ad},
                                        {0x0300, 0x036f},
                                        {0x061c, 0x061c},
                                        {0x200b, 0x200f},
                                        {0x2028, 0x202e},
                                        {0x2060, 0x206f},
                                        {0x20d0, 0x20ff},
                                        {0xfe00, 0xfe0f},
                                        {0xfeff, 0xfeff},
                                        {0xe0000, 0x10ffff}}};
/// Characters of two columns (Unicode's East Asian Width, in coarse blocks).
constexpr std::array<Range, 9> kWide{{{0x1100, 0x115f},
                                      {0x2e80, 0x303e},
                                      {0x3041, 0xa4cf},
                                      {0xac00, 0xd7a3},
                                      {0xf900, 0xfaff},
                                      {0xfe30, 0xfe6f},
                                      {0xff00, 0xff60},
                                      {0x1f300, 0x1faff},
                                      {0x20000, 0x3fffd}}};

template <std::size_t N>
bool is_in(const std::array<Range, N>& ranges, char32_t c) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [c](const Range& range) { return c >= range.first && c <= range.second; });
}

struct Character {
  std::string_view bytes;
  char32_t code = 0;
  bool is_valid = false;
};

/// The character at `at`; one byte of what is no UTF-8.
Character character_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) {
    return {text.substr(at, 1), lead, true};
  }
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  Character bad{text.substr(at, 1), 0, false};
  if (lead < 0xc2 || lead > 0xf4 || text.size() - at < length) {
    return bad;
  }
  char32_t code = lead & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) {
      return bad;
    }
    code = (code << 6) | (byte(i) & 0x3fU);
  }
  constexpr std::array<char32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kSmallest[length] || is_surrogate || code > 0x10ffff) {
    return bad;
  }
  return {text.substr(at, length), code, true};
}

std::size_t columns_of(const Character& character) { return is_in(kWide, character.code) ? 2 : 1; }

/// The part of `text`, which is printable, that `width` columns hold.
std::string_view start_of(std::string_view text, std::size_t width) {
  std::size_t at = 0, used = 0;
  while (at < text.size()) {
    const Character character = character_at(text, at);
    used += columns_of(character);
    if (used > width) {
      break;
    }
    at += character.bytes.size();
  }
  return text.substr(0, at);
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Character character = character_at(text, at);
    const bool is_fit = character.is_valid && !is_in(kUnfit, character.code);
    out += is_fit ? character.bytes : "?";
    at += character.bytes.size();
  }
  return out;
}

std::string ascii_only(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const Character character = character_at(text, at);
    out += character.code < 0x80 && character.is_valid ? std::string(character.bytes)
                                                       : std::string(columns_of(character), '?');
    at += character.bytes.size();
  }
  return out;
}

std::size_t columns(std::string_view text) {
  std::size_t sum = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Character character = character_at(text, at);
    sum += columns_of(character);
    at += character.bytes.size();
  }
  return sum;
}

std::string fit(std::string_view text, std::size_t width, bool is_right) {
  const std::string clean = printable(text);
  std::string out(start_of(clean, width));
  const std::size_t missing = width - columns(out);
  return out.insert(is_right ? 0 : out.size(), missing, ' ');
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  const std::string clean = printable(text);
  std::string_view rest = clean;
  std::vector<std::string> lines;
  while (columns(rest) > width) {
    std::string_view line = start_of(rest, width);
    const std::size_t space = line.rfind(' ');
    const bool is_word_cut = rest[line.size()] != ' ';
    if (is_word_cut && space != std::string_view::npos && space > 0) {
      line = line.substr(0, space);
    }
    lines.emplace_back(line);
    rest.remove_prefix(line.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  }
  if (!rest.empty() || lines.empty()) {
    lines.emplace_back(rest);
  }
  return lines;
}

}  // namespace lode::top
