// The steps of ftfy 6.3.1's fix_encoding.
#include "tokenize/mojibake_internal.h"

#include <algorithm>
#include <optional>

#include "tokenize/code_pages_internal.h"
#include "tokenize/mojibake_bytes_internal.h"
#include "tokenize/mojibake_signs_internal.h"

namespace lode::tokenize {
namespace {

bool is_c1(char32_t c) { return c >= 0x80 && c <= 0x9F; }

/// The text as UTF-8 that was read in `page`; std::nullopt where it cannot have been.
std::optional<std::u32string> reread(std::u32string_view text, const CodePage& page) {
  std::optional<std::string> bytes = page.encode(text);
  if (!bytes) {
    return std::nullopt;
  }
  // An en dash and a space would be taken for a sequence in MacRoman.
  if (&page != &code_page(Page::macroman)) {
    *bytes = restore_byte_a0(*bytes);
  }
  if (page.is_sloppy()) {
    *bytes = replace_lossy_sequences(*bytes);
  }
  return decode_utf8_or_variants(*bytes);
}

/// Parts that look like UTF-8 read wrongly, each mended by itself.
std::u32string fix_parts(std::u32string_view text) {
  std::u32string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t size = utf8_run_size(text, i);
    const std::u32string_view part = text.substr(i, std::max<std::size_t>(size, 1));
    // A part that is the whole text would come back here without end.
    if (size > 0 && size < text.size() && has_mojibake(part)) {
      result += fix_encoding(part);
    } else {
      result += part;
    }
    i += part.size();
  }
  return result;
}

/// Latin-1 with controls was meant to be Windows-1252, if that has all of them.
std::optional<std::u32string> latin_1_as_windows_1252(std::u32string_view text) {
  std::u32string result(text);
  for (char32_t& c : result) {
    if (c > 0xFF) {
      return std::nullopt;
    }
    const char32_t meant = code_page(Page::windows_1252).decode(static_cast<unsigned char>(c));
    if (is_c1(c) && meant == c) {
      return std::nullopt;
    }
    c = is_c1(c) ? meant : c;
  }
  return result;
}

std::u32string fix_encoding_once(std::u32string_view text) {
  const bool is_ascii = std::all_of(text.begin(), text.end(), [](char32_t c) { return c < 0x80; });
  if (is_ascii || !has_mojibake(text)) {
    return std::u32string(text);
  }
  for (const CodePage& page : code_pages()) {
    if (auto fixed = reread(text, page)) {
      return *std::move(fixed);
    }
  }
  if (std::u32string fixed = fix_parts(text); fixed != text) {
    return fixed;
  }
  if (auto fixed = latin_1_as_windows_1252(text); fixed && *fixed != text) {
    return *std::move(fixed);
  }
  return fix_c1_controls(text);
}

}  // namespace

std::u32string fix_encoding(std::u32string_view text) {
  std::u32string current(text);
  while (true) {
    std::u32string next = fix_encoding_once(current);
    if (next == current) {
      return next;
    }
    current = std::move(next);
  }
}

std::u32string fix_c1_controls(std::u32string_view text) {
  std::u32string result(text);
  for (char32_t& c : result) {
    if (is_c1(c)) {
      c = code_page(Page::windows_1252).decode(static_cast<unsigned char>(c));
    }
  }
  return result;
}

}  // namespace lode::tokenize
