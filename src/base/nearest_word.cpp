#include "base/nearest_word.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace lode {
namespace {

/// Longer than any key by far: what is beyond cannot make a word a misspelling of one.
constexpr std::size_t kMostCompared = 128;

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t change = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, change});
    }
  }
  return row.back();
}

std::string nearest_word(std::string_view word, std::span<const std::string> known) {
  const std::string_view start = word.substr(0, kMostCompared);
  const auto distance = [&](std::string_view other) {
    const bool is_part = other.starts_with(start) || start.starts_with(other);
    return std::pair(!is_part, edit_distance(start, other));
  };
  const auto nearest =
      std::min_element(known.begin(), known.end(),
                       [&](const auto& a, const auto& b) { return distance(a) < distance(b); });
  return nearest == known.end() ? std::string() : *nearest;
}

}  // namespace lode
