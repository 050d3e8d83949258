// The words the sketch understands, as tables: nouns, colours, materials, sizes, counts, relations.
#pragma once

#include <glm/vec3.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sketch/paint.h"
#include "sketch/sketch.h"

namespace lode::sketch {

struct ColourEntry {
  std::string_view name;  ///< canonical, e.g. "dark green"
  glm::vec3 value;        ///< sRGB 0..1
};
/// Every canonical colour: the plain ones, then dark and light shades of the main hues.
std::span<const ColourEntry> colours();
/// sRGB of a canonical colour name, if there is one of that name.
std::optional<glm::vec3> colour_value(std::string_view name);

struct MaterialEntry {
  std::string_view name;  ///< canonical, e.g. "wood"
  Finish finish;
  std::optional<glm::vec3> colour;      ///< its own colour; none if it comes in all colours
  std::vector<std::string_view> words;  ///< as an adjective before the noun; also "made of"
};
std::span<const MaterialEntry> materials();
/// The material of a canonical name, or null.
const MaterialEntry* material(std::string_view name);

struct SizeEntry {
  double size;  ///< ObjectSpec::size
  std::vector<std::string_view> words;
};
std::span<const SizeEntry> sizes();

struct ProportionEntry {
  Proportion proportion;
  std::vector<std::string_view> words;
};
std::span<const ProportionEntry> proportions();

/// A canonical noun with the other words for it; the first is the canonical one itself.
struct NounEntry {
  std::vector<std::string_view> words;
};
std::span<const NounEntry> noun_words();

/// The plural of a noun or of a noun phrase's last word.
std::string plural(std::string_view noun);

/// What a word or phrase means.
enum class WordKind {
  noun,
  colour,
  material,
  size,
  proportion,
  count,
  on,           ///< the next object is below, or holds this one
  with,         ///< the next object is beside
  conjunction,  ///< "and": between adjectives nothing, after a noun the next object is beside
  article,
  filler  ///< understood and of no consequence
};

struct Meaning {
  WordKind kind = WordKind::filler;
  std::string_view canonical;  ///< of nouns, colours and materials
  double value = 0;            ///< of sizes and counts
  Proportion proportion = Proportion::normal;
};

/// The grammatical number of a noun's form.
enum class Number { singular, plural, either };

struct Match {
  Meaning meaning;
  std::size_t words = 0;             ///< how many words it took, 1..kLongestPhrase
  Number number = Number::singular;  ///< of a noun
};

/// The most words a phrase of the tables has.
inline constexpr std::size_t kLongestPhrase = 4;

/// The longest phrase of the tables that starts at words[at], if any.
std::optional<Match> longest_match(std::span<const std::string> words, std::size_t at);

}  // namespace lode::sketch
