// SentencePiece's precompiled character map, as the tokenizers library applies it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace lode::tokenize {

/// Replaces characters by a table, T5's being nmt_nfkc: NFKC, odd spaces to a space, controls gone.
class Charsmap {
 public:
  /// The blob of a model file: u32 size of the trie in bytes, the trie (a darts-clone double array
  /// of u32 units), and the replacements, each ended by a zero byte. Errc::invalid_input when the
  /// sizes disagree or the replacements are no UTF-8. The trie may still be nonsense: walking it
  /// stays within it whatever it says.
  static Result<Charsmap> parse(ByteView blob, const std::string& where);

  /// `text` (UTF-8) with each grapheme of less than 6 bytes replaced by what its first bytes that
  /// are in the table map to, and otherwise each of its characters: so the tokenizers library
  /// (`normalizers/precompiled.rs`). SentencePiece itself takes the longest match at each place.
  std::string normalise(std::string_view text) const;

 private:
  /// What the shortest beginning of `key` that is in the table maps to.
  std::optional<std::string_view> find(std::string_view key) const;

  std::vector<std::uint32_t> units_;
  std::string replacements_;
};

}  // namespace lode::tokenize
