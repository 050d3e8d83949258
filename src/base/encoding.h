// Hexadecimal and base64 text, strict in what they accept.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace lode {

/// Lower-case hexadecimal, two digits a byte, no prefix.
std::string hex_encode(ByteView bytes);

/// Decodes hexadecimal of either case with an optional "0x" prefix. Odd length or any other
/// character is Errc::invalid_input.
Result<Bytes> hex_decode(std::string_view text);

/// Standard base64 (RFC 4648 section 4) with padding and without line breaks.
std::string base64_encode(ByteView bytes);

/// Decodes standard padded base64. White space, missing padding and non-canonical endings are
/// Errc::invalid_input, as Python's `b64decode(validate=True)` has it.
Result<Bytes> base64_decode(std::string_view text);

}  // namespace lode
