// SentencePiece's unigram model, as the tokenizers library runs it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lode::tokenize {

/// Longest piece, in bytes. Training stops at 16 characters; this keeps the search's steps few.
inline constexpr std::size_t kMaxPieceBytes = 256;

/// One entry of a vocabulary; its place is its id.
struct Piece {
  std::string text;
  double score = 0;         ///< log probability
  bool is_special = false;  ///< never made from a prompt's text
};

/// Finds the best segmentation. Immutable, so that many threads may share it.
class Unigram {
 public:
  Unigram() = default;

  /// Errc::invalid_input when a piece is empty, too long, no UTF-8 or there twice, when a score is
  /// not finite, or when `unknown_id` is none of the ids. `where` names the vocabulary.
  static Result<Unigram> build(const std::vector<Piece>& pieces, std::size_t unknown_id,
                               const std::string& where);

  /// Appends the ids of the segmentation with the highest sum of scores (of equals the one whose
  /// last piece starts first). A character that is no piece counts as the unknown piece with a
  /// score 10 below the lowest; neighbouring ones become one id. `word` is UTF-8.
  void encode(std::string_view word, std::vector<std::int64_t>& ids) const;

 private:
  /// A node of a trie over bytes. Its children lie side by side, sorted by their byte.
  struct Node {
    std::uint32_t first_child = 0;
    std::uint16_t children = 0;
    std::uint8_t byte = 0;
    std::int32_t id = -1;  ///< of the piece that ends here; -1 for none
  };
  struct Step;

  void build_trie(const std::vector<Piece>& pieces, const std::vector<std::uint32_t>& sorted);
  const Node* child(const Node& node, std::uint8_t byte) const;
  std::vector<Step> best_steps(std::string_view word) const;

  std::vector<Node> nodes_;
  std::vector<double> scores_;  ///< by id
  double unknown_score_ = 0;
  std::int64_t unknown_id_ = 0;
};

}  // namespace lode::tokenize
