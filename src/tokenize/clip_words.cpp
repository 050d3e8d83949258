// Cleaning and splitting of prompts for CLIP.
#include <algorithm>

#include "tokenize/clip_words_internal.h"
#include "tokenize/fix_text.h"
#include "tokenize/html_entities_internal.h"
#include "tokenize/unicode_internal.h"

namespace lode::tokenize {
namespace {

/// The blocks that BERT's tokenizer, and so CLIP's, calls Chinese: `_is_chinese_char`.
bool is_ideograph(char32_t c) {
  constexpr std::pair<char32_t, char32_t> kBlocks[] = {
      {0x4E00, 0x9FFF},   {0x3400, 0x4DBF},   {0x20000, 0x2A6DF}, {0x2A700, 0x2B73F},
      {0x2B740, 0x2B81F}, {0x2B820, 0x2CEAF}, {0xF900, 0xFAFF},   {0x2F800, 0x2FA1F}};
  return std::any_of(std::begin(kBlocks), std::end(kBlocks),
                     [c](const auto& block) { return c >= block.first && c <= block.second; });
}

bool is_plain_control(char32_t c) { return c == U'\t' || c == U'\n' || c == U'\r'; }

/// `_clean_text` and `_tokenize_chinese_chars`.
std::u32string drop_controls(std::u32string_view text) {
  std::u32string result;
  result.reserve(text.size());
  for (const char32_t c : text) {
    if (c == 0xFFFD || (!is_plain_control(c) && is_other(c))) {
      continue;
    }
    if (is_plain_control(c) || is_space_separator(c)) {
      result.push_back(U' ');
    } else if (is_ideograph(c)) {
      result.append({U' ', c, U' '});
    } else {
      result.push_back(c);
    }
  }
  return result;
}

/// Runs of white space become one space, those at the ends go: `" ".join(text.split())`.
std::u32string squeeze_spaces(std::u32string_view text) {
  std::u32string result;
  result.reserve(text.size());
  bool is_after_space = false;
  for (const char32_t c : text) {
    if (is_python_space(c)) {
      is_after_space = true;
      continue;
    }
    if (is_after_space && !result.empty()) {
      result.push_back(U' ');
    }
    is_after_space = false;
    result.push_back(c);
  }
  return result;
}

/// Code points of the contraction that `text` starts with; 0 for none. The text is in lower case;
/// the long s is the one letter left that equals another, s, without case.
std::size_t contraction_size(std::u32string_view text) {
  if (text.starts_with(U"'\u017F")) {
    return 2;
  }
  for (const std::u32string_view one : {U"'s", U"'t", U"'re", U"'ve", U"'m", U"'ll", U"'d"}) {
    if (text.starts_with(one)) {
      return one.size();
    }
  }
  return 0;
}

/// Between words. The combining iota (U+0345) is the one mark that equals a letter without case,
/// and Python's regex module then takes it for neither a letter nor a symbol.
bool is_dropped(char32_t c) { return is_white_space(c) || c == 0x0345; }

bool is_symbol(char32_t c) { return !is_dropped(c) && !is_letter(c) && !is_number(c); }

std::size_t run_size(std::u32string_view text, bool (*belongs)(char32_t)) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), belongs) -
                                  text.begin());
}

}  // namespace

std::u32string clean_hugging_face(std::string_view text) {
  return to_lower(squeeze_spaces(to_nfc(drop_controls(decode_utf8(text)))));
}

std::u32string clean_open_clip(std::string_view text) {
  return to_lower(squeeze_spaces(unescape_html(unescape_html(fix_text(decode_utf8(text))))));
}

std::vector<std::u32string_view> split_words(std::u32string_view text) {
  std::vector<std::u32string_view> words;
  for (std::size_t i = 0; i < text.size();) {
    const std::u32string_view rest = text.substr(i);
    std::size_t size = contraction_size(rest);
    if (size == 0 && is_dropped(rest.front())) {
      ++i;
      continue;
    }
    if (size == 0 && is_letter(rest.front())) {
      size = run_size(rest, is_letter);
    } else if (size == 0) {
      size = is_number(rest.front()) ? 1 : run_size(rest, is_symbol);
    }
    words.push_back(rest.substr(0, size));
    i += size;
  }
  return words;
}

}  // namespace lode::tokenize
