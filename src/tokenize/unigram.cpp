// The unigram model: a trie of pieces and a Viterbi search over a word's bytes.
#include <algorithm>
#include <cmath>

#include "tokenize/unicode_internal.h"
#include "tokenize/unigram_internal.h"

namespace lode::tokenize {
namespace {

/// What an unknown character costs below the lowest score: K_UNK_PENALTY of the tokenizers library.
constexpr double kUnknownPenalty = 10.0;

Result<void> check_piece(const Piece& piece, const std::string& where) {
  if (piece.text.empty() || piece.text.size() > kMaxPieceBytes) {
    return fail(Errc::invalid_input,
                where + ": a piece has 1 to " + std::to_string(kMaxPieceBytes) + " bytes");
  }
  if (!is_utf8(piece.text)) {
    return fail(Errc::invalid_input, where + ": the piece is no UTF-8");
  }
  if (!std::isfinite(piece.score)) {
    return fail(Errc::invalid_input, where + ": the score of \"" + piece.text + "\" is not finite");
  }
  return {};
}

}  // namespace

/// The best way found to a place in the word.
struct Unigram::Step {
  double score = 0;
  std::size_t from = 0;
  std::int64_t id = 0;
  bool is_reached = false;

  void offer(double other, std::size_t start, std::int64_t piece) {
    if (!is_reached || other > score) {
      *this = {other, start, piece, true};
    }
  }
};

Result<Unigram> Unigram::build(const std::vector<Piece>& pieces, std::size_t unknown_id,
                               const std::string& where) {
  if (unknown_id >= pieces.size()) {
    return fail(Errc::invalid_input, where + ": the unknown piece's id is " +
                                         std::to_string(unknown_id) + ", of " +
                                         std::to_string(pieces.size()) + " pieces");
  }
  Unigram model;
  model.unknown_id_ = static_cast<std::int64_t>(unknown_id);
  double lowest = pieces.front().score;
  std::vector<std::uint32_t> sorted;
  for (std::uint32_t id = 0; id < pieces.size(); ++id) {
    const Piece& piece = pieces[id];
    LODE_CHECK(check_piece(piece, where + " piece " + std::to_string(id)));
    lowest = std::min(lowest, piece.score);
    model.scores_.push_back(piece.score);
    sorted.push_back(id);
  }
  model.unknown_score_ = lowest - kUnknownPenalty;
  std::sort(sorted.begin(), sorted.end(), [&pieces](std::uint32_t a, std::uint32_t b) {
    return pieces[a].text < pieces[b].text;
  });
  const auto twice = std::adjacent_find(
      sorted.begin(), sorted.end(),
      [&pieces](std::uint32_t a, std::uint32_t b) { return pieces[a].text == pieces[b].text; });
  if (twice != sorted.end()) {
    return fail(Errc::invalid_input, where + ": \"" + pieces[*twice].text + "\" is there twice");
  }
  std::erase_if(sorted, [&pieces](std::uint32_t id) { return pieces[id].is_special; });
  model.build_trie(pieces, sorted);
  return model;
}

/// Breadth first, so that the children of a node lie side by side.
void Unigram::build_trie(const std::vector<Piece>& pieces,
                         const std::vector<std::uint32_t>& sorted) {
  struct Range {
    std::size_t begin, end, depth;
  };
  nodes_.emplace_back();
  std::vector<Range> ranges = {{0, sorted.size(), 0}};  // by node: the pieces below it
  for (std::size_t at = 0; at < nodes_.size(); ++at) {
    auto [begin, end, depth] = ranges[at];
    if (begin < end && pieces[sorted[begin]].text.size() == depth) {
      nodes_[at].id = static_cast<std::int32_t>(sorted[begin++]);
    }
    nodes_[at].first_child = static_cast<std::uint32_t>(nodes_.size());
    while (begin < end) {
      const char byte = pieces[sorted[begin]].text[depth];
      std::size_t next = begin;
      while (next < end && pieces[sorted[next]].text[depth] == byte) {
        ++next;
      }
      nodes_.push_back({0, 0, static_cast<std::uint8_t>(byte), -1});
      ranges.push_back({begin, next, depth + 1});
      ++nodes_[at].children;
      begin = next;
    }
  }
}

const Unigram::Node* Unigram::child(const Node& node, std::uint8_t byte) const {
  const Node* const begin = nodes_.data() + node.first_child;
  const Node* const end = begin + node.children;
  const Node* const found = std::lower_bound(
      begin, end, byte, [](const Node& one, std::uint8_t wanted) { return one.byte < wanted; });
  return found != end && found->byte == byte ? found : nullptr;
}

std::vector<Unigram::Step> Unigram::best_steps(std::string_view word) const {
  std::vector<Step> steps(word.size() + 1);
  for (std::size_t start = 0; start < word.size();) {
    const double score = steps[start].score;
    const std::size_t character = character_size(word.substr(start));
    bool is_known = false;
    const Node* node = nodes_.data();
    for (std::size_t end = start; end < word.size();) {
      node = child(*node, static_cast<std::uint8_t>(word[end++]));
      if (node == nullptr) {
        break;
      }
      if (node->id >= 0) {
        steps[end].offer(scores_[static_cast<std::size_t>(node->id)] + score, start, node->id);
        is_known = is_known || end - start == character;
      }
    }
    if (!is_known) {
      steps[start + character].offer(unknown_score_ + score, start, unknown_id_);
    }
    start += character;
  }
  return steps;
}

void Unigram::encode(std::string_view word, std::vector<std::int64_t>& ids) const {
  const std::vector<Step> steps = best_steps(word);
  const auto first = static_cast<std::ptrdiff_t>(ids.size());
  bool is_after_unknown = false;
  for (std::size_t end = word.size(); end > 0; end = steps[end].from) {
    const bool is_unknown = steps[end].id == unknown_id_;
    if (!is_unknown || !is_after_unknown) {
      ids.push_back(steps[end].id);
    }
    is_after_unknown = is_unknown;
  }
  std::reverse(ids.begin() + first, ids.end());
}

}  // namespace lode::tokenize
