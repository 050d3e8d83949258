// Byte-pair encoding of one word: a heap of merges over a doubly linked list of symbols.
#include <functional>
#include <queue>

#include "tokenize/byte_pairs_internal.h"
#include "tokenize/unicode_internal.h"

namespace lode::tokenize {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

bool is_printable(unsigned byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

ByteSymbols make_byte_symbols() {
  ByteSymbols symbols;
  std::size_t next = 0;
  for (unsigned byte = 0; byte < 256; ++byte) {
    if (is_printable(byte)) {
      symbols.order[next++] = static_cast<std::uint8_t>(byte);
      symbols.symbol[byte] = encode_utf8(std::u32string(1, byte));
    }
  }
  for (unsigned byte = 0, stand_in = 256; byte < 256; ++byte) {
    if (!is_printable(byte)) {
      symbols.order[next++] = static_cast<std::uint8_t>(byte);
      symbols.symbol[byte] = encode_utf8(std::u32string(1, stand_in++));
    }
  }
  return symbols;
}

Result<std::uint32_t> find_symbol(const PairTable& table, const std::string& symbol) {
  const auto found = table.ids.find(symbol);
  if (found == table.ids.end()) {
    return fail(Errc::invalid_input, table.ids_from + ": no \"" + symbol + "\"");
  }
  return static_cast<std::uint32_t>(found->second);
}

/// A merge's place in its file, for errors: counted from 1.
std::string merge_name(const PairTable& table, std::size_t rank) {
  return table.merges_from + " merge " + std::to_string(rank + 1);
}

}  // namespace

const ByteSymbols& byte_symbols() {
  static const ByteSymbols symbols = make_byte_symbols();
  return symbols;
}

Result<BytePairs> BytePairs::build(const PairTable& table) {
  BytePairs pairs;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const std::string& symbol = byte_symbols().symbol[byte];
    LODE_TRY(pairs.inner_[byte], find_symbol(table, symbol));
    LODE_TRY(pairs.last_[byte], find_symbol(table, symbol + std::string(kWordEnd)));
  }
  pairs.merges_.reserve(table.merges.size());
  for (std::uint32_t rank = 0; rank < table.merges.size(); ++rank) {
    const auto& [left, right] = table.merges[rank];
    const auto left_id = find_symbol(table, left);
    const auto right_id = find_symbol(table, right);
    const auto result = find_symbol(table, left + right);
    for (const auto* found : {&left_id, &right_id, &result}) {
      if (!*found) {
        return annotate(found->error(), merge_name(table, rank));
      }
    }
    const Merge merge{rank, *result};
    if (!pairs.merges_.emplace(pair_key(*left_id, *right_id), merge).second) {
      return fail(Errc::invalid_input,
                  merge_name(table, rank) + ": \"" + left + " " + right + "\" came before");
    }
  }
  return pairs;
}

/// A word under way: its symbols as a linked list in an array, and the merges that may be made.
struct BytePairs::Word {
  struct Symbol {
    std::uint32_t id;
    std::size_t previous;
    std::size_t next;
    bool is_merged = false;  ///< into the symbol before it
  };
  struct Candidate {
    std::uint32_t rank;
    std::size_t at;  ///< the left symbol
    std::uint64_t pair;
    bool operator>(const Candidate& other) const {
      return rank != other.rank ? rank > other.rank : at > other.at;
    }
  };

  const BytePairs& pairs;
  std::vector<Symbol> symbols;
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> candidates;

  void consider(std::size_t at) {
    if (at == kNone || symbols[at].is_merged || symbols[at].next == kNone) {
      return;
    }
    const std::uint64_t pair = pair_key(symbols[at].id, symbols[symbols[at].next].id);
    if (const auto found = pairs.merges_.find(pair); found != pairs.merges_.end()) {
      candidates.push({found->second.rank, at, pair});
    }
  }

  bool still_stands(const Candidate& candidate) const {
    const Symbol& left = symbols[candidate.at];
    return !left.is_merged && left.next != kNone &&
           pair_key(left.id, symbols[left.next].id) == candidate.pair;
  }

  void merge(const Candidate& candidate) {
    Symbol& left = symbols[candidate.at];
    Symbol& right = symbols[left.next];
    left.id = pairs.merges_.at(candidate.pair).result;
    right.is_merged = true;
    left.next = right.next;
    if (left.next != kNone) {
      symbols[left.next].previous = candidate.at;
    }
  }

  /// One round: all standing candidates of the lowest rank. What they make possible is considered
  /// only afterwards, because a new pair may rank lower and must not come in between.
  void merge_lowest() {
    const std::uint32_t rank = candidates.top().rank;
    std::vector<std::size_t> changed;
    while (!candidates.empty() && candidates.top().rank == rank) {
      const Candidate candidate = candidates.top();
      candidates.pop();
      if (still_stands(candidate)) {
        merge(candidate);
        changed.push_back(candidate.at);
      }
    }
    for (const std::size_t at : changed) {
      consider(symbols[at].previous);
      consider(at);
    }
  }
};

void BytePairs::encode(std::string_view word, std::vector<std::int64_t>& ids) const {
  Word state{*this, {}, {}};
  state.symbols.reserve(word.size());
  for (std::size_t i = 0; i < word.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(word[i]);
    const bool is_last = i + 1 == word.size();
    state.symbols.push_back(
        {is_last ? last_[byte] : inner_[byte], i == 0 ? kNone : i - 1, is_last ? kNone : i + 1});
  }
  for (std::size_t i = 0; i < word.size(); ++i) {
    state.consider(i);
  }
  while (!state.candidates.empty()) {
    state.merge_lowest();
  }
  for (const Word::Symbol& symbol : state.symbols) {
    if (!symbol.is_merged) {
      ids.push_back(symbol.id);
    }
  }
}

}  // namespace lode::tokenize
