// Random scenes of the sketch's vocabulary, and prompts that name them.
#include <algorithm>
#include <array>

#include "sketch/lexicon.h"
#include "sketch/sketch.h"

namespace lode::sketch {
namespace {

template <class Range>
const auto& pick(const Range& range, Rng& rng) {
  return range[rng.below(std::size(range))];
}

bool chance(Rng& rng, double probability) { return rng.uniform() < probability; }

ObjectSpec random_object(Rng& rng) {
  ObjectSpec spec;
  spec.noun = pick(noun_words(), rng).words.front();
  if (chance(rng, 0.7)) {
    spec.colours.emplace_back(pick(colours(), rng).name);
    const std::string_view second = pick(colours(), rng).name;
    if (chance(rng, 0.25) && second != spec.colours.front()) {
      spec.colours.emplace_back(second);
    }
  }
  if (chance(rng, 0.35)) {
    spec.material = pick(materials(), rng).name;
  }
  if (chance(rng, 0.3)) {
    spec.size = pick(sizes(), rng).size;
  }
  if (chance(rng, 0.1)) {
    spec.proportion = pick(proportions(), rng).proportion;
  }
  return spec;
}

std::string_view size_word(double size, Rng& rng) {
  for (const SizeEntry& entry : sizes()) {
    if (entry.size == size) {
      return pick(entry.words, rng);
    }
  }
  return {};
}

std::string_view proportion_word(Proportion proportion, Rng& rng) {
  for (const ProportionEntry& entry : proportions()) {
    if (entry.proportion == proportion) {
      return pick(entry.words, rng);
    }
  }
  return {};
}

/// The canonical noun most of the time, else another word for it.
std::string_view noun_word(const std::string& noun, Rng& rng) {
  for (const NounEntry& entry : noun_words()) {
    if (entry.words.front() == noun) {
      return chance(rng, 0.6) ? entry.words.front() : pick(entry.words, rng);
    }
  }
  return noun;
}

class Phrase {
 public:
  void add(std::string_view words) {
    if (!words.empty()) {
      text_ += text_.empty() ? "" : " ";
      text_ += words;
    }
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void add_colours(const ObjectSpec& spec, Phrase& phrase, Rng& rng) {
  for (std::size_t i = 0; i < spec.colours.size(); ++i) {
    if (i > 0) {
      phrase.add("and");
    }
    std::string word = spec.colours[i];
    if (word == "grey" && chance(rng, 0.5)) {
      word = "gray";
    }
    phrase.add(word);
  }
}

/// "two small red and white ceramic mugs" or "two small red and white mugs made of ceramic".
std::string describe_object(const ObjectSpec& spec, Rng& rng) {
  static constexpr std::array<std::string_view, 6> kPraise = {"beautiful", "simple", "detailed",
                                                              "cute",      "old",    "shiny"};
  static constexpr std::array<std::array<std::string_view, 2>, 7> kNumbers = {{{"", ""},
                                                                               {"one", "1"},
                                                                               {"two", "2"},
                                                                               {"three", "3"},
                                                                               {"four", "4"},
                                                                               {"five", "5"},
                                                                               {"six", "6"}}};
  Phrase phrase;
  if (spec.count > 1) {
    phrase.add(pick(kNumbers[static_cast<std::size_t>(spec.count)], rng));
  }
  if (chance(rng, 0.2)) {
    phrase.add(pick(kPraise, rng));
  }
  phrase.add(size_word(spec.size, rng));
  phrase.add(proportion_word(spec.proportion, rng));
  add_colours(spec, phrase, rng);
  const bool is_made_of = chance(rng, 0.3);
  if (const MaterialEntry* entry = material(spec.material); entry != nullptr && !is_made_of) {
    phrase.add(entry->words.front());
  }
  const std::string_view noun = noun_word(spec.noun, rng);
  phrase.add(spec.count > 1 ? plural(noun) : std::string(noun));
  if (is_made_of && !spec.material.empty()) {
    phrase.add("made of");
    phrase.add(spec.material);
  }
  if (spec.count > 1) {
    return phrase.text();
  }
  const bool starts_with_vowel =
      std::string_view("aeiou").find(phrase.text()[0]) != std::string_view::npos;
  return (starts_with_vowel ? "an " : "a ") + phrase.text();
}

}  // namespace

std::vector<std::string> nouns() {
  std::vector<std::string> names;
  for (const NounEntry& entry : noun_words()) {
    names.emplace_back(entry.words.front());
  }
  std::ranges::sort(names);
  return names;
}

SceneSpec random_scene(Rng& rng) {
  SceneSpec scene;
  scene.subject = random_object(rng);
  if (chance(rng, 0.15)) {
    scene.subject.count = 2 + static_cast<int>(rng.below(5));
  }
  if (chance(rng, 0.3)) {
    scene.relation = chance(rng, 0.5) ? Relation::on : Relation::with;
    scene.other = random_object(rng);
  }
  return scene;
}

std::string describe(const SceneSpec& scene, Rng& rng) {
  static constexpr std::array<std::string_view, 3> kOn = {" on ", " on top of ", " standing on "};
  static constexpr std::array<std::string_view, 4> kWith = {" with ", " next to ", " and ",
                                                            " beside "};
  static constexpr std::array<std::string_view, 4> kOpenings = {"", "", "a 3d model of ",
                                                                "a photo of "};
  std::string text(pick(kOpenings, rng));
  text += describe_object(scene.subject, rng);
  if (scene.relation != Relation::none) {
    text += scene.relation == Relation::on ? pick(kOn, rng) : pick(kWith, rng);
    text += describe_object(scene.other, rng);
  }
  return text;
}

}  // namespace lode::sketch
