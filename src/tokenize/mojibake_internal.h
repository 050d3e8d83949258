// Text that was read in the wrong encoding, read in the right one.
#pragma once

#include <string>
#include <string_view>

namespace lode::tokenize {

/// ftfy's `fix_encoding`: text that looks like mojibake is written in the encoding that it was
/// wrongly read in and read as UTF-8, as often as it takes; parts of it where the whole will not
/// do.
std::u32string fix_encoding(std::u32string_view text);

/// Controls 0x80 to 0x9F become what Windows-1252 has there: ftfy's `fix_c1_controls`.
std::u32string fix_c1_controls(std::u32string_view text);

}  // namespace lode::tokenize
