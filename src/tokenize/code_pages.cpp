// Code pages from ICU's converters.
#include "tokenize/code_pages_internal.h"

#include <algorithm>

#include "tokenize/unicode_internal.h"

namespace lode::tokenize {
namespace {

constexpr char32_t kReplacement = 0xFFFD;
constexpr char kSubstitute = 0x1A;

}  // namespace

CodePage::CodePage(const char* icu_name, bool is_sloppy)
    : high_(high_half_of(icu_name)), is_sloppy_(is_sloppy) {
  constexpr char32_t kGreekMu = 0x03BC;
  constexpr char32_t kMicroSign = 0x00B5;
  for (std::size_t i = 0; i < high_.size(); ++i) {
    if (high_[i] == kReplacement) {
      high_[i] = static_cast<char32_t>(0x80 + i);
    }
    if (std::string_view(icu_name) == "IBM437" && high_[i] == kGreekMu) {
      high_[i] = kMicroSign;  // as the Unicode Consortium's CP437.TXT has it, and so Python
    }
    bytes_.emplace_back(high_[i], static_cast<char>(0x80 + i));
  }
  if (is_sloppy) {
    bytes_.emplace_back(kReplacement, kSubstitute);
  }
  std::sort(bytes_.begin(), bytes_.end());
}

std::optional<std::string> CodePage::encode(std::u32string_view text) const {
  std::string result;
  result.reserve(text.size());
  for (const char32_t c : text) {
    if (c < 0x80 && !(is_sloppy_ && c == static_cast<char32_t>(kSubstitute))) {
      result.push_back(static_cast<char>(c));
      continue;
    }
    const auto found =
        std::lower_bound(bytes_.begin(), bytes_.end(), c,
                         [](const auto& one, char32_t key) { return one.first < key; });
    if (found == bytes_.end() || found->first != c) {
      return std::nullopt;
    }
    result.push_back(found->second);
  }
  return result;
}

char32_t CodePage::decode(unsigned char byte) const {
  if (is_sloppy_ && byte == static_cast<unsigned char>(kSubstitute)) {
    return kReplacement;
  }
  return byte < 0x80 ? byte : high_[byte - 0x80U];
}

std::span<const CodePage> code_pages() {
  static const std::array<CodePage, 10> pages = {
      CodePage("ISO-8859-1", false),  CodePage("windows-1252", true),
      CodePage("windows-1251", true), CodePage("windows-1250", true),
      CodePage("windows-1253", true), CodePage("windows-1254", true),
      CodePage("windows-1257", true), CodePage("ISO-8859-2", false),
      CodePage("macintosh", false),   CodePage("IBM437", false)};
  return pages;
}

const CodePage& code_page(Page page) { return code_pages()[static_cast<std::size_t>(page)]; }

}  // namespace lode::tokenize
