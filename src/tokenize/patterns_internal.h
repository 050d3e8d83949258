// Alternatives of fixed-length sequences: what ftfy's regular expressions are made of.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace lode::tokenize {

/// Elements to match one after the other; `Element` answers `matches(unit)`.
template <class Element>
using Sequence = std::vector<Element>;

template <class Element, class Unit>
bool starts_with(std::span<const Unit> text, const Sequence<Element>& sequence) {
  if (text.size() < sequence.size()) {
    return false;
  }
  for (std::size_t i = 0; i < sequence.size(); ++i) {
    if (!sequence[i].matches(text[i])) {
      return false;
    }
  }
  return true;
}

/// Size of the first of `alternatives` that `text` starts with; 0 for none.
template <class Element, class Unit>
std::size_t match_size(std::span<const Unit> text,
                       const std::vector<Sequence<Element>>& alternatives) {
  for (const Sequence<Element>& one : alternatives) {
    if (starts_with(text, one)) {
      return one.size();
    }
  }
  return 0;
}

}  // namespace lode::tokenize
