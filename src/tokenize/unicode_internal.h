// Unicode text for the tokenizers: code points, categories and normal forms, all from ICU.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace lode::tokenize {

/// Most bytes that normalising a prompt may give: 16 a byte, where NFKC's longest expansion (of
/// U+FDFA) has 11. What a damaged vocabulary would make beyond is cut off.
inline constexpr std::size_t kMaxNormalBytes = 16 * (64U << 10);

/// Code points of UTF-8. Bytes that are none become U+FFFD, one for each maximal part of a
/// character, as Python's `decode(errors="replace")` has it.
std::u32string decode_utf8(std::string_view text);

std::string encode_utf8(std::u32string_view text);

/// The first `max_bytes` of a text or up to 3 less, so that no character is cut.
std::string_view bound_text(std::string_view text, std::size_t max_bytes);

bool is_utf8(std::string_view text);

/// Bytes of the first character of UTF-8; `text` is not empty. Of broken text, at most all of it.
std::size_t character_size(std::string_view text);

/// Whether a byte of UTF-8 continues a character.
bool is_inside_character(char byte);

/// The extended grapheme clusters of UTF-8 (UAX 29).
std::vector<std::string_view> split_graphemes(std::string_view text);

/// What bytes 0x80 to 0xFF mean in a single-byte encoding, by ICU's name of it; U+FFFD where they
/// mean nothing.
std::array<char32_t, 128> high_half_of(const char* encoding);

bool is_letter(char32_t c);         ///< \p{L}
bool is_number(char32_t c);         ///< \p{N}
bool is_white_space(char32_t c);    ///< the property White_Space: \s of regular expressions
bool is_decimal_digit(char32_t c);  ///< \p{Nd}: \d of Python
/// What Python's `str.split()` splits at: White_Space and the four information separators.
bool is_python_space(char32_t c);
/// Categories Cc, Cf, Cs, Co and Cn: what Python's `category(c)` calls "C...".
bool is_other(char32_t c);
bool is_space_separator(char32_t c);  ///< Zs

/// Normal form C.
std::u32string to_nfc(std::u32string_view text);

/// Normal form KC.
std::u32string to_nfkc(std::u32string_view text);

/// Full upper-casing without a language: Python's `str.upper()`.
std::u32string to_upper(std::u32string_view text);

/// Full lower-casing without a language, the final sigma included: Python's `str.lower()`.
std::u32string to_lower(std::u32string_view text);

}  // namespace lode::tokenize
