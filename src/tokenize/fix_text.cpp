// The steps of ftfy 6.3.1's fix_text but for the encoding's (mojibake.h).
#include "tokenize/fix_text.h"

#include <algorithm>
#include <map>
#include <optional>

#include "tokenize/html_entities_internal.h"
#include "tokenize/mojibake_internal.h"
#include "tokenize/unicode_internal.h"

namespace lode::tokenize {
namespace {

/// ftfy's `max_decode_length`: lines are read in pieces of so many characters.
constexpr std::size_t kMaxSegment = 1'000'000;
/// Rounds of a segment. Each undoes one level of "&amp;amp;", so ftfy itself, which has no limit,
/// takes seconds for a prompt of 64 KiB that is nothing else. Nobody's text needs more than three.
constexpr int kMaxRounds = 256;
/// Most characters of a reference's name or number that ftfy looks at.
constexpr std::size_t kMaxReference = 24;

bool is_between(char32_t c, char32_t first, char32_t last) { return c >= first && c <= last; }
bool is_digit(char32_t c) { return is_between(c, U'0', U'9'); }
bool is_ascii_letter(char32_t c) { return is_between(c, U'a', U'z') || is_between(c, U'A', U'Z'); }

template <class Replace>
std::u32string replace_each(std::u32string_view text, Replace replace) {
  std::u32string result;
  result.reserve(text.size());
  for (const char32_t c : text) {
    replace(c, result);
  }
  return result;
}

/// Names in capitals that HTML lacks, for those that it has in small letters: "&NTILDE;" is "Ñ".
using Capitals = std::map<std::u32string, std::u32string, std::less<>>;

Capitals make_capitals() {
  Capitals capitals;
  for (const HtmlName& one : html_names()) {
    const std::u32string small(one.name.begin(), one.name.end());
    if (!one.name.ends_with(';') || to_lower(small) != small) {
      continue;
    }
    std::u32string reference = U"&" + to_upper(small);
    if (unescape_html(reference) == reference) {
      capitals.emplace(std::move(reference), to_upper(one.text));
    }
  }
  return capitals;
}

/// Size of the `&#?[0-9A-Za-z]{1,24};` that `text` starts with; 0 for none.
std::size_t reference_size(std::u32string_view text) {
  const std::size_t start = text.starts_with(U"&#") ? 2 : 1;
  std::size_t end = start;
  while (end < text.size() && (is_digit(text[end]) || is_ascii_letter(text[end]))) {
    ++end;
  }
  const bool fits = end > start && end - start <= kMaxReference;
  return fits && end < text.size() && text[end] == U';' ? end + 1 : 0;
}

/// The reference's text, or itself where it stands for nothing as a whole.
std::u32string referred(std::u32string_view reference) {
  static const Capitals capitals = make_capitals();
  if (const auto found = capitals.find(reference); found != capitals.end()) {
    return found->second;
  }
  std::u32string text = unescape_html(reference);
  const bool is_whole = text.find(U';') == std::u32string::npos;
  return is_whole || reference == U"&semi;" ? text : std::u32string(reference);
}

std::u32string unescape_whole_references(std::u32string_view text) {
  std::u32string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t size = text[i] == U'&' ? reference_size(text.substr(i)) : 0;
    result += size > 0 ? referred(text.substr(i, size)) : std::u32string(1, text[i]);
    i += std::max<std::size_t>(size, 1);
  }
  return result;
}

std::u32string fix_latin_ligatures(std::u32string_view text) {
  static const std::map<char32_t, std::u32string_view> parts = {
      {0x0132, U"IJ"},      {0x0133, U"ij"}, {0x0149, U"\u02BCn"}, {0x01F1, U"DZ"},
      {0x01F2, U"Dz"},      {0x01F3, U"dz"}, {0x01C4, U"D\u017D"}, {0x01C5, U"D\u017E"},
      {0x01C6, U"d\u017E"}, {0x01C7, U"LJ"}, {0x01C8, U"Lj"},      {0x01C9, U"lj"},
      {0x01CA, U"NJ"},      {0x01CB, U"Nj"}, {0x01CC, U"nj"},      {0xFB00, U"ff"},
      {0xFB01, U"fi"},      {0xFB02, U"fl"}, {0xFB03, U"ffi"},     {0xFB04, U"ffl"},
      {0xFB05, U"\u017Ft"}, {0xFB06, U"st"}};
  return replace_each(text, [](char32_t c, std::u32string& out) {
    const auto found = c < 0x0132 ? parts.end() : parts.find(c);
    if (found == parts.end()) {
      out.push_back(c);
    } else {
      out += found->second;
    }
  });
}

/// Full-width letters and half-width kana and jamo in their usual width.
std::u32string fix_character_width(std::u32string_view text) {
  return replace_each(text, [](char32_t c, std::u32string& out) {
    if (c == 0x3000) {
      out.push_back(U' ');
    } else if (is_between(c, 0xFF01, 0xFFEF)) {
      out += to_nfkc({&c, 1});
    } else {
      out.push_back(c);
    }
  });
}

std::u32string uncurl_quotes(std::u32string_view text) {
  return replace_each(text, [](char32_t c, std::u32string& out) {
    if (is_between(c, 0x201C, 0x201F)) {
      out.push_back(U'"');
    } else {
      out.push_back(c == 0x02BC || is_between(c, 0x2018, 0x201B) ? U'\'' : c);
    }
  });
}

std::u32string fix_line_breaks(std::u32string_view text) {
  std::u32string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with(U"\r\n")) {
      continue;
    }
    const char32_t c = text[i];
    result.push_back(c == U'\r' || c == 0x2028 || c == 0x2029 || c == 0x85 ? U'\n' : c);
  }
  return result;
}

/// Pairs of surrogates become their character, others U+FFFD.
std::u32string fix_surrogates(std::u32string_view text) {
  std::u32string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char32_t c = text[i];
    if (is_between(c, 0xD800, 0xDBFF) && i + 1 < text.size() &&
        is_between(text[i + 1], 0xDC00, 0xDFFF)) {
      result.push_back(0x10000 + ((c - 0xD800) << 10U) + (text[i + 1] - 0xDC00));
      ++i;
    } else {
      result.push_back(is_between(c, 0xD800, 0xDFFF) ? 0xFFFD : c);
    }
  }
  return result;
}

/// Size of the terminal's escape, as "ESC [ 36;44 m", that `text` starts with; 0 for none.
std::size_t escape_size(std::u32string_view text) {
  if (!text.starts_with(U"\x1b[")) {
    return 0;
  }
  std::size_t end = 2;
  while (end < text.size() && (is_decimal_digit(text[end]) || text[end] == U';')) {
    ++end;
  }
  return end < text.size() && is_ascii_letter(text[end]) ? end + 1 : 0;
}

std::u32string remove_terminal_escapes(std::u32string_view text) {
  std::u32string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t size = escape_size(text.substr(i));
    if (size == 0) {
      result.push_back(text[i]);
    }
    i += std::max<std::size_t>(size, 1);
  }
  return result;
}

/// Controls of ASCII without an effect on layout, Arabic's deprecated ones, marks of annotations
/// and of byte order.
bool is_useless_control(char32_t c) {
  return c < 0x09 || c == 0x0B || is_between(c, 0x0E, 0x1F) || c == 0x7F ||
         is_between(c, 0x206A, 0x206F) || c == 0xFEFF || is_between(c, 0xFFF9, 0xFFFC);
}

std::u32string fix_once(std::u32string_view text, bool has_references) {
  std::u32string fixed = has_references ? unescape_whole_references(text) : std::u32string(text);
  fixed = fix_c1_controls(fix_encoding(fixed));
  fixed = uncurl_quotes(fix_character_width(fix_latin_ligatures(fixed)));
  fixed = remove_terminal_escapes(fix_surrogates(fix_line_breaks(fixed)));
  std::erase_if(fixed, is_useless_control);
  return to_nfc(fixed);
}

std::u32string fix_segment(std::u32string_view text, bool has_references) {
  std::u32string current(text);
  for (int round = 0; round < kMaxRounds; ++round) {
    std::u32string next = fix_once(current, has_references);
    if (next == current) {
      break;
    }
    current = std::move(next);
  }
  return current;
}

}  // namespace

std::u32string fix_text(std::u32string_view text) {
  std::u32string result;
  bool has_references = true;  // until a "<": such text is HTML, and means what it says
  while (!text.empty()) {
    const std::size_t line_end = text.find(U'\n');
    std::size_t size = line_end == std::u32string_view::npos ? text.size() : line_end + 1;
    size = std::min(size, kMaxSegment);
    const std::u32string_view segment = text.substr(0, size);
    has_references = has_references && segment.find(U'<') == std::u32string_view::npos;
    result += fix_segment(segment, has_references);
    text.remove_prefix(size);
  }
  return result;
}

}  // namespace lode::tokenize
