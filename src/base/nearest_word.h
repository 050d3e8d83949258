// The known word that a mistyped one is most like, for errors that say what was meant.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace lode {

/// How many letters must be inserted, removed or changed to make one of the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The one of `known` that `word` is nearest to, the first of several; empty when none is known. A
/// word cut short is nearer to its whole than edits say. Of a long word only the beginning counts.
std::string nearest_word(std::string_view word, std::span<const std::string> known);

}  // namespace lode
