// Byte-pair encoding of one word, as CLIP's tokenizers do it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"

namespace lode::tokenize {

/// Ends a word's last symbol in CLIP's vocabularies.
inline constexpr std::string_view kWordEnd = "</w>";

/// The 256 symbols that stand for bytes in a vocabulary, in the vocabulary's order: printable bytes
/// are themselves, the other 68 are U+0100 and on (`bytes_to_unicode` of openai/CLIP's
/// simple_tokenizer.py).
struct ByteSymbols {
  std::array<std::uint8_t, 256> order{};  ///< the bytes, in the vocabulary's order
  std::array<std::string, 256> symbol;    ///< by byte, in UTF-8
};
const ByteSymbols& byte_symbols();

/// Symbols by their text, and the pairs that merge, the first first.
struct PairTable {
  std::unordered_map<std::string, std::int64_t> ids;
  std::vector<std::pair<std::string, std::string>> merges;
  std::string ids_from;     ///< the file (and field) of the ids, for errors
  std::string merges_from;  ///< that of the merges
};

/// Encodes words. Immutable, so that many threads may share it.
class BytePairs {
 public:
  /// Errc::invalid_input when a byte's symbol, a merge's part or its result is not in the
  /// vocabulary, or a merge comes twice.
  static Result<BytePairs> build(const PairTable& table);

  /// Appends the ids of one word's bytes: in each round the pair of lowest rank is merged wherever
  /// it stands, left to right, until no pair merges. O(n log n).
  void encode(std::string_view word, std::vector<std::int64_t>& ids) const;

 private:
  struct Merge {
    std::uint32_t rank;
    std::uint32_t result;
  };
  struct Word;

  static std::uint64_t pair_key(std::uint32_t left, std::uint32_t right) {
    return static_cast<std::uint64_t>(left) << 32U | right;
  }

  std::array<std::uint32_t, 256> inner_{};  ///< ids of bytes within a word
  std::array<std::uint32_t, 256> last_{};   ///< ids of bytes that end one
  std::unordered_map<std::uint64_t, Merge> merges_;
};

}  // namespace lode::tokenize
