#include "tokenize/unigram_internal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/rng.h"

namespace lode::tokenize {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::size_t kUnknown = 0;

std::vector<std::int64_t> ids_of(const Unigram& model, std::string_view word) {
  std::vector<std::int64_t> ids;
  model.encode(word, ids);
  return ids;
}

std::string refusal(const std::vector<Piece>& pieces, std::size_t unknown_id = kUnknown) {
  const auto model = Unigram::build(pieces, unknown_id, "vocab");
  return model ? "built" : model.error().context;
}

/// The highest sum of scores over all segmentations, tried one by one.
double best_score(std::string_view word, const std::vector<Piece>& pieces, double unknown) {
  if (word.empty()) {
    return 0;
  }
  double best = -std::numeric_limits<double>::infinity();
  bool is_known = false;
  for (const Piece& piece : pieces) {
    if (!piece.is_special && word.starts_with(piece.text)) {
      is_known = is_known || piece.text.size() == 1;
      best =
          std::max(best, piece.score + best_score(word.substr(piece.text.size()), pieces, unknown));
    }
  }
  return is_known ? best : std::max(best, unknown + best_score(word.substr(1), pieces, unknown));
}

TEST(Unigram, FindsTheBestOfAllSegmentations) {
  Rng rng(3);
  for (int round = 0; round < 300; ++round) {
    std::vector<Piece> pieces = {{"<unk>", 0, true}};
    double lowest = 0;
    for (const char* text : {"a", "b", "ab", "ba", "aa", "abb", "bab", "aabb", "c"}) {
      if (rng.below(3) != 0) {
        pieces.push_back({text, -12 * rng.uniform()});
        lowest = std::min(lowest, pieces.back().score);
      }
    }
    const Unigram model = Unigram::build(pieces, kUnknown, "vocab").value();
    std::string word;
    for (std::size_t n = 1 + rng.below(9); n > 0; --n) {
      word += static_cast<char>('a' + rng.below(3));
    }
    double score = 0;
    std::size_t at = 0;
    std::size_t unknowns = 0;
    for (const std::int64_t id : ids_of(model, word)) {
      const Piece& piece = pieces[static_cast<std::size_t>(id)];
      unknowns += piece.is_special ? 1 : 0;
      score += piece.score;
      at += piece.is_special ? 0 : piece.text.size();
    }
    // Fused unknown characters: what the known pieces leave.
    ASSERT_EQ(unknowns > 0, at < word.size());
    score += (lowest - 10) * static_cast<double>(word.size() - at);
    ASSERT_NEAR(score, best_score(word, pieces, lowest - 10), 1e-9) << word;
  }
}

TEST(Unigram, FusesUnknownCharacters) {
  const Unigram model = Unigram::build({{"<unk>", 0, true}, {"a", -1}}, kUnknown, "vocab").value();
  EXPECT_THAT(ids_of(model, "xxa\u00e9\U0001F409a"), ElementsAre(0, 1, 0, 1));
  EXPECT_THAT(ids_of(model, ""), ElementsAre());
}

TEST(Unigram, NeverMakesASpecialPieceFromText) {
  const Unigram model =
      Unigram::build({{"<unk>", 0, true}, {"</s>", 0, true}, {"s", -1}, {">", -2}}, kUnknown, "v")
          .value();
  EXPECT_THAT(ids_of(model, "</s><unk>"), ElementsAre(0, 2, 3, 0, 3));
}

TEST(Unigram, RefusesMalformedPieces) {
  EXPECT_THAT(refusal({{"<unk>", 0}, {"", -1}}), HasSubstr("vocab piece 1: a piece has 1 to"));
  EXPECT_THAT(refusal({{"<unk>", 0}, {std::string(257, 'a'), -1}}), HasSubstr("256 bytes"));
  EXPECT_THAT(refusal({{"<unk>", 0}, {"\xc3", -1}}),
              HasSubstr("vocab piece 1: the piece is no UTF-8"));
  EXPECT_THAT(refusal({{"<unk>", 0}, {"a", -1}, {"b", -1}, {"a", -2}}),
              HasSubstr("\"a\" is there twice"));
  EXPECT_THAT(refusal({{"<unk>", 0}, {"a", std::numeric_limits<double>::quiet_NaN()}}),
              HasSubstr("the score of \"a\" is not finite"));
  EXPECT_THAT(refusal({{"<unk>", 0}}, 1), HasSubstr("unknown piece's id is 1, of 1 pieces"));
  EXPECT_THAT(refusal({}, 0), HasSubstr("of 0 pieces"));
}

}  // namespace
}  // namespace lode::tokenize
