#include "tokenize/byte_pairs_internal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/rng.h"

namespace lode::tokenize {
namespace {

using Symbols = std::vector<std::string>;
using Merges = std::vector<std::pair<std::string, std::string>>;

/// The rule word for word, as openai/CLIP's simple_tokenizer.py has it.
Symbols merge_plainly(Symbols word, const Merges& merges) {
  while (true) {
    const auto lowest = std::find_if(merges.begin(), merges.end(), [&](const auto& merge) {
      return std::adjacent_find(word.begin(), word.end(), [&](const auto& a, const auto& b) {
               return a == merge.first && b == merge.second;
             }) != word.end();
    });
    if (lowest == merges.end()) {
      return word;
    }
    Symbols merged;
    for (std::size_t i = 0; i < word.size(); ++i) {
      const bool is_pair =
          i + 1 < word.size() && word[i] == lowest->first && word[i + 1] == lowest->second;
      merged.push_back(is_pair ? word[i] + word[i + 1] : word[i]);
      i += is_pair ? 1 : 0;
    }
    word = merged;
  }
}

PairTable table_of(const Merges& merges) {
  PairTable table;
  table.ids_from = "ids";
  table.merges_from = "merges";
  table.merges = merges;
  const auto add = [&table](const std::string& symbol) {
    table.ids.emplace(symbol, static_cast<std::int64_t>(table.ids.size()));
  };
  for (const std::string& symbol : byte_symbols().symbol) {
    add(symbol);
    add(symbol + std::string(kWordEnd));
  }
  for (const auto& [left, right] : merges) {
    add(left + right);
  }
  return table;
}

/// Random merges of symbols that exist by then, some making the same symbol in two ways: only there
/// does it show whether a round merges all its pairs before new ones are looked at.
Merges random_merges(Rng& rng) {
  Symbols symbols = {"a", "b", "a</w>", "b</w>"};
  Merges merges;
  std::set<std::pair<std::string, std::string>> seen;
  for (int i = 0; i < 24; ++i) {
    const std::string left = symbols[rng.below(symbols.size())];
    const std::string right = symbols[rng.below(symbols.size())];
    if (left.ends_with(kWordEnd) || !seen.emplace(left, right).second) {
      continue;
    }
    const auto at = static_cast<std::ptrdiff_t>(rng.below(merges.size() + 1));
    merges.insert(merges.begin() + at, {left, right});
    symbols.push_back(left + right);
  }
  return merges;
}

TEST(BytePairs, MergesAsThePlainRuleDoes) {
  Rng rng(5);
  for (int round = 0; round < 400; ++round) {
    const Merges merges = random_merges(rng);
    const PairTable table = table_of(merges);
    const auto pairs = BytePairs::build(table);
    ASSERT_TRUE(pairs) << pairs.error().message();
    for (int i = 0; i < 20; ++i) {
      std::string word;
      Symbols symbols;
      for (std::size_t n = 1 + rng.below(30); n > 0; --n) {
        word += rng.below(2) == 0 ? 'a' : 'b';
        symbols.emplace_back(1, word.back());
      }
      symbols.back() += kWordEnd;
      std::vector<std::int64_t> expected;
      for (const std::string& symbol : merge_plainly(symbols, merges)) {
        expected.push_back(table.ids.at(symbol));
      }
      std::vector<std::int64_t> ids;
      pairs->encode(word, ids);
      ASSERT_EQ(ids, expected) << word;
    }
  }
}

TEST(BytePairs, AppendsNothingForAnEmptyWord) {
  std::vector<std::int64_t> ids = {7};
  BytePairs::build(table_of({})).value().encode("", ids);
  EXPECT_THAT(ids, testing::ElementsAre(7));
}

TEST(BytePairs, NamesAByteThatHasNoSymbol) {
  PairTable table = table_of({});
  table.ids.erase("a</w>");
  const auto pairs = BytePairs::build(table);
  ASSERT_FALSE(pairs);
  EXPECT_EQ(pairs.error().context, "ids: no \"a</w>\"");
}

}  // namespace
}  // namespace lode::tokenize
