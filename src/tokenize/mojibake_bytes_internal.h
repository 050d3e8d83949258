// UTF-8 that a detour through another encoding has damaged.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lode::tokenize {

/// Byte 0xA0 put back where it became a space and the sequence is likely without: ftfy's
/// `restore_byte_a0`.
std::string restore_byte_a0(std::string_view bytes);

/// U+FFFD for each sequence of which a byte was lost, so reads 0x1A (or "?"): ftfy's
/// `replace_lossy_sequences`.
std::string replace_lossy_sequences(std::string_view bytes);

/// UTF-8, strictly; and where the bytes 0xC0 or 0xED are in it, ftfy's "utf-8-variants": pairs of
/// surrogates (CESU-8) and Java's 0xC0 0x80 read as what they mean. std::nullopt where it is
/// neither.
std::optional<std::u32string> decode_utf8_or_variants(std::string_view bytes);

}  // namespace lode::tokenize
