// From a prompt to the words that CLIP's byte-pair encoding works on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lode::tokenize {

/// What transformers' CLIPTokenizer does where ftfy is not installed (its BasicTokenizer): control
/// and unassigned characters and U+FFFD go, ideographs stand alone, NFC, single spaces, lower case.
std::u32string clean_hugging_face(std::string_view text);

/// What open_clip's SimpleTokenizer does by default ("lower"): ftfy's fix_text, HTML character
/// references twice, single spaces, lower case.
std::u32string clean_open_clip(std::string_view text);

/// The matches of CLIP's expression: `'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+`,
/// without case. The names of special tokens are no alternatives here: they are text like any
/// other. The views are of `text`.
std::vector<std::u32string_view> split_words(std::u32string_view text);

}  // namespace lode::tokenize
