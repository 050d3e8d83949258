// HTML's character references: the scanner, the numeric ones and the search for the named ones.
#include "tokenize/html_entities_internal.h"

#include <algorithm>
#include <optional>

namespace lode::tokenize {
namespace {

/// Longest name that html.unescape looks at, its semicolon not counted.
constexpr std::size_t kMaxNameSize = 32;

/// What numbers 0x80 to 0x9F mean: Windows-1252, where it has a character there.
constexpr char32_t kWindows1252[32] = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

/// A replacement, and how much of the text after the ampersand it stands for.
struct Reference {
  std::u32string text;
  std::size_t size = 0;
};

bool is_invalid(std::uint32_t number) {
  const bool is_control = number < 0x20 && number != '\t' && number != '\n' && number != '\f';
  return is_control || number == 0x7F || (number >= 0xFDD0 && number <= 0xFDEF) ||
         (number & 0xFFFEU) == 0xFFFEU;
}

std::u32string numbered(std::uint32_t number) {
  if (number == 0) {
    return U"\uFFFD";
  }
  if (number == '\r') {
    return U"\r";
  }
  if (number >= 0x80 && number < 0xA0) {
    return {kWindows1252[number - 0x80]};
  }
  if ((number >= 0xD800 && number <= 0xDFFF) || number > 0x10FFFF) {
    return U"\uFFFD";
  }
  return is_invalid(number) ? std::u32string() : std::u32string(1, number);
}

int digit_value(char32_t c, bool is_hexadecimal) {
  if (c >= U'0' && c <= U'9') {
    return static_cast<int>(c - U'0');
  }
  const char32_t lower = c | 0x20U;
  return is_hexadecimal && c < 0x80 && lower >= U'a' && lower <= U'f'
             ? static_cast<int>(lower - U'a') + 10
             : -1;
}

/// `text` starts after "&#".
std::optional<Reference> numeric_reference(std::u32string_view text) {
  const bool is_hexadecimal = !text.empty() && (text[0] == U'x' || text[0] == U'X');
  std::size_t at = is_hexadecimal ? 1 : 0;
  const std::size_t first = at;
  std::uint32_t number = 0;
  for (; at < text.size() && digit_value(text[at], is_hexadecimal) >= 0; ++at) {
    const auto digit = static_cast<std::uint32_t>(digit_value(text[at], is_hexadecimal));
    number = std::min<std::uint32_t>(number * (is_hexadecimal ? 16 : 10) + digit, 0x110000);
  }
  if (at == first) {
    return std::nullopt;
  }
  at += at < text.size() && text[at] == U';' ? 1 : 0;
  return Reference{numbered(number), at + 1};
}

std::optional<std::u32string_view> find_name(std::u32string_view wanted) {
  const std::string name(wanted.begin(), wanted.end());
  const auto names = html_names();
  const auto found =
      std::lower_bound(names.begin(), names.end(), name,
                       [](const HtmlName& one, const std::string& key) { return one.name < key; });
  if (found == names.end() || found->name != name) {
    return std::nullopt;
  }
  return found->text;
}

bool ends_name(char32_t c) {
  return std::u32string_view(U"\t\n\f <&#;").find(c) != std::u32string_view::npos;
}

/// `text` starts after "&". The longest name that it starts with, as the standard has it.
std::optional<Reference> named_reference(std::u32string_view text) {
  std::size_t size = 0;
  while (size < std::min(text.size(), kMaxNameSize) && !ends_name(text[size])) {
    ++size;
  }
  size += size > 0 && size < text.size() && text[size] == U';' ? 1 : 0;
  for (const char32_t c : text.substr(0, size)) {
    if (c >= 0x80) {  // names are ASCII: what comes after cannot be part of one
      size = std::min(size, text.find(c));
      break;
    }
  }
  for (; size > 1; --size) {
    if (const auto found = find_name(text.substr(0, size))) {
      return Reference{std::u32string(*found), size};
    }
  }
  return std::nullopt;
}

}  // namespace

std::u32string unescape_html(std::u32string_view text) {
  std::u32string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != U'&') {
      result.push_back(text[i]);
      continue;
    }
    const std::u32string_view rest = text.substr(i + 1);
    const auto reference =
        rest.starts_with(U'#') ? numeric_reference(rest.substr(1)) : named_reference(rest);
    if (reference) {
      result += reference->text;
      i += reference->size;
    } else {
      result.push_back(U'&');
    }
  }
  return result;
}

}  // namespace lode::tokenize
