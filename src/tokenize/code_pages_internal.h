// The single-byte encodings that text is mistaken for, with the holes filled as browsers fill them.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lode::tokenize {

/// A byte of 0x80 and above means `high[byte - 0x80]`, one below itself; but in a sloppy page 0x1A
/// stands for U+FFFD: a byte that was lost.
class CodePage {
 public:
  /// `icu_name` is ICU's name of the converter, which knows the assigned bytes. Unassigned ones
  /// mean the character of the same number.
  CodePage(const char* icu_name, bool is_sloppy);

  /// std::nullopt where the page lacks one of the characters.
  std::optional<std::string> encode(std::u32string_view text) const;
  char32_t decode(unsigned char byte) const;
  bool is_sloppy() const { return is_sloppy_; }

 private:
  std::array<char32_t, 128> high_;
  std::vector<std::pair<char32_t, char>> bytes_;  ///< sorted by character
  bool is_sloppy_;
};

enum class Page {
  latin_1,
  windows_1252,
  windows_1251,
  windows_1250,
  windows_1253,
  windows_1254,
  windows_1257,
  iso_8859_2,
  macroman,
  cp437
};

/// All pages in the order in which ftfy tries them.
std::span<const CodePage> code_pages();
const CodePage& code_page(Page page);

}  // namespace lode::tokenize
