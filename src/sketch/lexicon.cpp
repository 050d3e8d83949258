#include "sketch/lexicon.h"

#include <algorithm>
#include <string>
#include <unordered_map>

namespace lode::sketch {
namespace {

using Index = std::unordered_map<std::string, Meaning>;

struct Alias {
  std::string_view word, canonical;
};

/// Other names of colours.
constexpr Alias kColourAliases[] = {
    {"gray", "grey"},
    {"dark gray", "dark grey"},
    {"light gray", "light grey"},
    {"scarlet", "red"},
    {"ruby", "red"},
    {"crimson", "dark red"},
    {"burgundy", "maroon"},
    {"emerald", "green"},
    {"forest green", "dark green"},
    {"sky blue", "light blue"},
    {"azure", "light blue"},
    {"royal blue", "blue"},
    {"sapphire", "blue"},
    {"indigo", "dark purple"},
    {"navy blue", "navy"},
    {"ivory", "cream"},
    {"khaki", "tan"},
    {"aqua", "cyan"},
    {"lilac", "lavender"},
    {"fuchsia", "magenta"},
    {"charcoal", "dark grey"},
    {"salmon", "coral"},
    {"chestnut", "brown"},
    {"lemon", "yellow"},
    {"snow white", "white"},
    {"hot pink", "magenta"},
    {"reddish", "red"},
    {"bluish", "blue"},
    {"greenish", "green"},
    {"yellowish", "yellow"},
    {"brownish", "brown"},
    {"lime green", "lime"},
    {"olive green", "olive"},
    {"mint green", "mint"},
};

struct CountWord {
  std::string_view word;
  int count;
};
constexpr CountWord kCounts[] = {
    {"one", 1},     {"single", 1},     {"two", 2},    {"pair of", 2},  {"couple of", 2},
    {"twin", 2},    {"three", 3},      {"few", 3},    {"trio of", 3},  {"four", 4},
    {"several", 4}, {"some", 3},       {"five", 5},   {"six", 6},      {"many", 6},
    {"lots of", 6}, {"half dozen", 6}, {"dozen", 6},  {"bunch of", 4}, {"stack of", 4},
    {"pile of", 5}, {"group of", 4},   {"set of", 3},
};

constexpr std::string_view kOn[] = {"on",         "on top of", "atop", "upon",   "over", "above",
                                    "sitting on", "onto",      "in",   "inside", "into"};
constexpr std::string_view kWith[] = {
    "with",      "next to",       "beside",     "near",     "by",          "in front of", "behind",
    "under",     "below",         "beneath",    "holding",  "containing",  "of",          "against",
    "alongside", "wearing",       "carrying",   "close to", "filled with", "riding",      "full of",
    "featuring", "surrounded by", "underneath", "between",  "from"};
constexpr std::string_view kConjunctions[] = {"and", "plus", "or"};
constexpr std::string_view kArticles[] = {"a", "an", "the", "this", "that", "its", "his", "her"};

/// Words that add nothing the sketch could draw, and nothing it would draw wrong.
constexpr std::string_view kFillers[] = {"made of",
                                         "made from",
                                         "made out of",
                                         "made",
                                         "crafted from",
                                         "built of",
                                         "out of",
                                         "carved from",
                                         "crafted",
                                         "in the colour",
                                         "colour",
                                         "color",
                                         "coloured",
                                         "colored",
                                         "painted",
                                         "bright",
                                         "vivid",
                                         "plain",
                                         "solid",
                                         "simple",
                                         "basic",
                                         "nice",
                                         "beautiful",
                                         "pretty",
                                         "lovely",
                                         "cute",
                                         "elegant",
                                         "fancy",
                                         "ornate",
                                         "classic",
                                         "classical",
                                         "traditional",
                                         "modern",
                                         "contemporary",
                                         "vintage",
                                         "antique",
                                         "old",
                                         "ancient",
                                         "new",
                                         "rustic",
                                         "retro",
                                         "shiny",
                                         "glossy",
                                         "polished",
                                         "smooth",
                                         "standard",
                                         "typical",
                                         "ordinary",
                                         "regular",
                                         "common",
                                         "normal",
                                         "sturdy",
                                         "decorative",
                                         "detailed",
                                         "realistic",
                                         "stylized",
                                         "stylised",
                                         "cartoon",
                                         "toy",
                                         "fresh",
                                         "ripe",
                                         "3d",
                                         "3 d",
                                         "model",
                                         "object",
                                         "asset",
                                         "render",
                                         "rendering",
                                         "photo of",
                                         "picture of",
                                         "image of",
                                         "view of",
                                         "model of",
                                         "render of",
                                         "high quality",
                                         "quality",
                                         "isolated",
                                         "centered",
                                         "white background",
                                         "plain background",
                                         "background",
                                         "standing",
                                         "sitting",
                                         "lying",
                                         "placed",
                                         "resting",
                                         "leaning",
                                         "laying",
                                         "there",
                                         "is",
                                         "are",
                                         "has",
                                         "have",
                                         "having",
                                         "it",
                                         "very",
                                         "really",
                                         "quite",
                                         "to",
                                         "look",
                                         "looking",
                                         "at",
                                         "style",
                                         "for",
                                         "as",
                                         "which",
                                         "please",
                                         "me",
                                         "show",
                                         "generate",
                                         "create",
                                         "i",
                                         "want",
                                         "would",
                                         "like",
                                         "design",
                                         "designed",
                                         "medieval",
                                         "wonderful",
                                         "charming",
                                         "delicate",
                                         "well",
                                         "handmade",
                                         "handcrafted",
                                         "lone",
                                         "whole",
                                         "light",
                                         "dark",
                                         "deep",
                                         "pale",
                                         "tone",
                                         "toned",
                                         "finish",
                                         "material",
                                         "colours",
                                         "colors",
                                         "shade"};

void add(Index& index, std::string_view word, const Meaning& meaning) {
  // First come, first served: tables are added in order of precedence.
  index.emplace(word, meaning);
}

Index make_index() {
  Index index;
  for (const NounEntry& noun : noun_words()) {
    for (const std::string_view word : noun.words) {
      add(index, word, {WordKind::noun, noun.words.front(), 0});
    }
  }
  for (const ColourEntry& colour : colours()) {
    add(index, colour.name, {WordKind::colour, colour.name, 0});
    for (const auto& [from, to] : {Alias{"dark ", "deep "}, Alias{"light ", "pale "}}) {
      if (colour.name.starts_with(from)) {
        const std::string word = std::string(to) + std::string(colour.name.substr(from.size()));
        add(index, word, {WordKind::colour, colour.name, 0});
      }
    }
  }
  for (const auto& [word, canonical] : kColourAliases) {
    add(index, word, {WordKind::colour, canonical, 0});
  }
  for (const MaterialEntry& entry : materials()) {
    add(index, entry.name, {WordKind::material, entry.name, 0});
    for (const std::string_view word : entry.words) {
      add(index, word, {WordKind::material, entry.name, 0});
    }
  }
  for (const SizeEntry& size : sizes()) {
    for (const std::string_view word : size.words) {
      add(index, word, {WordKind::size, {}, size.size});
    }
  }
  for (const ProportionEntry& entry : proportions()) {
    for (const std::string_view word : entry.words) {
      add(index, word, {WordKind::proportion, {}, 0, entry.proportion});
    }
  }
  for (const CountWord& count : kCounts) {
    add(index, count.word, {WordKind::count, {}, static_cast<double>(count.count)});
  }
  const auto add_all = [&index](std::span<const std::string_view> words, WordKind kind) {
    for (const std::string_view word : words) {
      add(index, word, {kind, {}, 0});
    }
  };
  add_all(kOn, WordKind::on);
  add_all(kWith, WordKind::with);
  add_all(kConjunctions, WordKind::conjunction);
  add_all(kArticles, WordKind::article);
  add_all(kFillers, WordKind::filler);
  return index;
}

const Index& word_index() {
  static const Index kIndex = make_index();
  return kIndex;
}

std::optional<Meaning> look_up(const std::string& phrase) {
  const auto found = word_index().find(phrase);
  return found == word_index().end() ? std::nullopt : std::optional(found->second);
}

/// What the phrase could be the plural of, likeliest first.
std::vector<std::string> singulars(const std::string& phrase) {
  std::vector<std::string> forms;
  const auto swap_ending = [&](std::string_view ending, std::string_view instead) {
    if (phrase.size() > ending.size() + 1 && phrase.ends_with(ending)) {
      forms.push_back(phrase.substr(0, phrase.size() - ending.size()) + std::string(instead));
    }
  };
  swap_ending("s", "");
  swap_ending("es", "");
  swap_ending("ies", "y");
  swap_ending("ves", "f");
  swap_ending("ves", "fe");
  swap_ending("men", "man");
  swap_ending("i", "us");
  return forms;
}

/// Nouns that are the same in the plural.
bool is_invariable(std::string_view noun) {
  return noun == "dice" || noun == "fish" || noun == "goldfish" || noun == "aircraft";
}

}  // namespace

std::optional<glm::vec3> colour_value(std::string_view name) {
  for (const ColourEntry& colour : colours()) {
    if (colour.name == name) {
      return colour.value;
    }
  }
  return std::nullopt;
}

const MaterialEntry* material(std::string_view name) {
  const auto all = materials();
  const auto found = std::ranges::find(all, name, &MaterialEntry::name);
  return found == all.end() ? nullptr : &*found;
}

std::string plural(std::string_view noun) {
  const std::string word(noun);
  const auto stem = [&word](std::size_t cut) { return word.substr(0, word.size() - cut); };
  if (is_invariable(noun)) {
    return word;
  }
  if (word == "die") {
    return "dice";
  }
  if (word.ends_with("man")) {
    return stem(3) + "men";
  }
  if (word.ends_with("shelf")) {
    return stem(1) + "ves";
  }
  if (word.ends_with("y") &&
      std::string_view("aeiou").find(word[word.size() - 2]) == std::string_view::npos) {
    return stem(1) + "ies";
  }
  for (const std::string_view hiss : {"s", "x", "ch", "sh"}) {
    if (word.ends_with(hiss)) {
      return word + "es";
    }
  }
  return word + "s";
}

std::optional<Match> longest_match(std::span<const std::string> words, std::size_t at) {
  const std::size_t most = std::min(kLongestPhrase, words.size() - at);
  for (std::size_t length = most; length >= 1; --length) {
    std::string phrase = words[at];
    for (std::size_t i = 1; i < length; ++i) {
      phrase += ' ' + words[at + i];
    }
    if (const auto meaning = look_up(phrase)) {
      const bool both = meaning->kind == WordKind::noun && is_invariable(phrase);
      return Match{*meaning, length, both ? Number::either : Number::singular};
    }
    for (const std::string& singular : singulars(phrase)) {
      const auto meaning = look_up(singular);
      if (meaning && meaning->kind == WordKind::noun) {
        return Match{*meaning, length, Number::plural};
      }
    }
  }
  return std::nullopt;
}

}  // namespace lode::sketch
