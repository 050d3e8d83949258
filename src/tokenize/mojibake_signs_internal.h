// Which characters and sequences betray text that was read in the wrong encoding.
#pragma once

#include <cstddef>
#include <string_view>

namespace lode::tokenize {

/// ftfy's `is_bad`: whether the text has a sequence of characters that is far likelier in mojibake
/// than in what anybody would write.
bool has_mojibake(std::u32string_view text);

/// Characters of the run at `at` that look like UTF-8 read in a Latin, Greek, Cyrillic or Baltic
/// page of Windows, spaces standing for U+00A0; 0 for none. None starts after a character that
/// looks like a continuation byte itself.
std::size_t utf8_run_size(std::u32string_view text, std::size_t at);

}  // namespace lode::tokenize
