// Text cleaned as ftfy cleans it.
#pragma once

#include <string>
#include <string_view>

namespace lode::tokenize {

/// What `ftfy.fix_text` 6.3.1 with its defaults makes of a text: HTML references with a semicolon
/// undone (up to the first line with "<"), mojibake mended, terminal escapes and controls without
/// effect dropped, ligatures and full-width forms taken apart, quotation marks straight, line ends
/// "\n", surrogates paired, NFC. Line by line, each until nothing changes.
std::u32string fix_text(std::u32string_view text);

}  // namespace lode::tokenize
