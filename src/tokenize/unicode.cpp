// Unicode properties and mappings by ICU (72 in Debian 12: Unicode 15.0).
#include <unicode/brkiter.h>
#include <unicode/locid.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/ucnv.h>
#include <unicode/unistr.h>
#include <unicode/utext.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "tokenize/unicode_internal.h"

namespace lode::tokenize {
namespace {

icu::UnicodeString to_icu(std::u32string_view text) {
  return icu::UnicodeString::fromUTF32(reinterpret_cast<const UChar32*>(text.data()),
                                       static_cast<std::int32_t>(text.size()));
}

std::u32string from_icu(const icu::UnicodeString& text) {
  std::u32string result;
  result.reserve(static_cast<std::size_t>(text.length()));
  for (std::int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    result.push_back(static_cast<char32_t>(text.char32At(i)));
  }
  return result;
}

bool has_category(char32_t c, std::uint32_t mask) {
  return (U_GET_GC_MASK(static_cast<UChar32>(c)) & mask) != 0;
}

[[noreturn]] void fail_in_icu(const char* what, UErrorCode status) {
  throw std::runtime_error(std::string("ICU failed to ") + what + ": " + u_errorName(status));
}

std::u32string normalise(std::u32string_view text,
                         const icu::Normalizer2* (*find)(UErrorCode& status)) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* form = find(status);
  if (U_FAILURE(status)) {
    fail_in_icu("find its data of a normal form", status);
  }
  const icu::UnicodeString normal = form->normalize(to_icu(text), status);
  if (U_FAILURE(status)) {
    fail_in_icu("normalise", status);
  }
  return from_icu(normal);
}

/// Whether every grapheme of `text` is one byte: ASCII without CR LF.
bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80 && c != '\r'; });
}

/// A break iterator of this thread: opening one takes longer than most prompts.
icu::BreakIterator& grapheme_iterator() {
  thread_local const std::unique_ptr<icu::BreakIterator> iterator = [] {
    UErrorCode status = U_ZERO_ERROR;
    std::unique_ptr<icu::BreakIterator> opened(
        icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), status));
    if (U_FAILURE(status)) {
      fail_in_icu("find graphemes", status);
    }
    return opened;
  }();
  return *iterator;
}

struct CloseConverter {
  void operator()(UConverter* converter) const { ucnv_close(converter); }
};

}  // namespace

std::u32string decode_utf8(std::string_view text) {
  std::u32string result;
  result.reserve(text.size());
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  for (std::size_t i = 0; i < text.size();) {
    UChar32 c = 0;
    U8_NEXT_OR_FFFD(bytes, i, text.size(), c);
    result.push_back(static_cast<char32_t>(c));
  }
  return result;
}

std::string encode_utf8(std::u32string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char32_t c : text) {
    char units[U8_MAX_LENGTH];
    std::size_t count = 0;
    U8_APPEND_UNSAFE(units, count, static_cast<UChar32>(c));
    result.append(units, count);
  }
  return result;
}

std::string_view bound_text(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) {
    return text;
  }
  std::size_t size = max_bytes;
  while (size > 0 && max_bytes - size < U8_MAX_LENGTH - 1 && is_inside_character(text[size])) {
    --size;
  }
  return text.substr(0, size);
}

bool is_utf8(std::string_view text) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  for (std::size_t i = 0; i < text.size();) {
    UChar32 c = 0;
    U8_NEXT(bytes, i, text.size(), c);
    if (c < 0) {
      return false;
    }
  }
  return true;
}

std::size_t character_size(std::string_view text) {
  std::size_t size = 1;
  while (size < text.size() && is_inside_character(text[size])) {
    ++size;
  }
  return size;
}

bool is_inside_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

std::vector<std::string_view> split_graphemes(std::string_view text) {
  std::vector<std::string_view> graphemes;
  graphemes.reserve(text.size());
  if (is_plain(text)) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      graphemes.push_back(text.substr(i, 1));
    }
    return graphemes;
  }
  UErrorCode status = U_ZERO_ERROR;
  UText view = UTEXT_INITIALIZER;
  utext_openUTF8(&view, text.data(), static_cast<std::int64_t>(text.size()), &status);
  icu::BreakIterator& iterator = grapheme_iterator();
  iterator.setText(&view, status);
  if (U_FAILURE(status)) {
    fail_in_icu("find graphemes", status);
  }
  std::size_t start = 0;
  for (std::int32_t end = iterator.next(); end != icu::BreakIterator::DONE; end = iterator.next()) {
    graphemes.push_back(text.substr(start, static_cast<std::size_t>(end) - start));
    start = static_cast<std::size_t>(end);
  }
  utext_close(&view);
  return graphemes;
}

std::array<char32_t, 128> high_half_of(const char* encoding) {
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<UConverter, CloseConverter> converter(ucnv_open(encoding, &status));
  std::array<char32_t, 128> high{};
  for (std::size_t i = 0; i < high.size() && U_SUCCESS(status) != 0; ++i) {
    const char byte = static_cast<char>(0x80 + i);
    UChar units[4];
    const std::int32_t count = ucnv_toUChars(converter.get(), units, 4, &byte, 1, &status);
    high[i] = count == 1 ? units[0] : U'\uFFFD';
  }
  if (U_FAILURE(status)) {
    fail_in_icu("find an encoding", status);
  }
  return high;
}

bool is_letter(char32_t c) { return has_category(c, U_GC_L_MASK); }
bool is_number(char32_t c) { return has_category(c, U_GC_N_MASK); }
bool is_other(char32_t c) { return has_category(c, U_GC_C_MASK); }
bool is_decimal_digit(char32_t c) { return has_category(c, U_GC_ND_MASK); }
bool is_python_space(char32_t c) { return is_white_space(c) || (c >= 0x1C && c <= 0x1F); }
bool is_space_separator(char32_t c) { return has_category(c, U_GC_ZS_MASK); }
bool is_white_space(char32_t c) { return u_isUWhiteSpace(static_cast<UChar32>(c)) != 0; }

std::u32string to_nfc(std::u32string_view text) {
  return normalise(text, icu::Normalizer2::getNFCInstance);
}

std::u32string to_nfkc(std::u32string_view text) {
  return normalise(text, icu::Normalizer2::getNFKCInstance);
}

std::u32string to_upper(std::u32string_view text) {
  return from_icu(to_icu(text).toUpper(icu::Locale::getRoot()));
}

std::u32string to_lower(std::u32string_view text) {
  return from_icu(to_icu(text).toLower(icu::Locale::getRoot()));
}

}  // namespace lode::tokenize
