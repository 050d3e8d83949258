// SentencePiece model files for tests: protocol buffers written by hand.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace lode::test {

inline void append_varint(Bytes& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) {
    out.push_back(static_cast<std::uint8_t>(value | 0x80U));
  }
  out.push_back(static_cast<std::uint8_t>(value));
}

/// A length-delimited field: bytes, text or a message.
inline void append_field(Bytes& out, std::uint32_t number, ByteView content) {
  append_varint(out, number << 3U | 2U);
  append_varint(out, content.size());
  out.insert(out.end(), content.begin(), content.end());
}

/// A piece of ModelProto with its score and type (1 normal, 2 unknown, 3 control).
inline void append_piece(Bytes& model, std::string_view text, float score, std::uint64_t type) {
  Bytes piece;
  append_field(piece, 1, as_bytes(text));
  append_varint(piece, 2U << 3U | 5U);
  ByteWriter writer;
  writer.write(score);
  piece.insert(piece.end(), writer.bytes().begin(), writer.bytes().end());
  append_varint(piece, 3U << 3U);
  append_varint(piece, type);
  append_field(model, 1, piece);
}

/// The character map of a ModelProto's normalizer_spec. A message that comes in two parts is the
/// two merged, so this may follow a model that has the rest of it.
inline void append_charsmap(Bytes& model, ByteView map) {
  Bytes specification;
  append_field(specification, 2, map);
  append_field(model, 3, specification);
}

}  // namespace lode::test
