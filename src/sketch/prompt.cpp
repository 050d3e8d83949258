// The parser: prompt -> words -> phrases of the lexicon -> scene.
#include <algorithm>
#include <array>
#include <cctype>

#include "sketch/lexicon.h"
#include "sketch/sketch.h"

namespace lode::sketch {
namespace {

constexpr std::string_view kComma = ",";

/// Lower-case words of letters and digits; commas are words of their own, other characters only
/// separate, and a possessive 's is dropped.
std::vector<std::string> words_of(std::string_view prompt) {
  std::vector<std::string> words;
  std::string word;
  const auto finish = [&] {
    if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  };
  const std::string_view text = prompt.substr(0, kMaxPromptBytes);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (std::isalnum(c) != 0 || c >= 0x80) {  // bytes of UTF-8 letters stay together
      word += static_cast<char>(std::tolower(c));
    } else if (c == '\'' && i + 1 < text.size() && (text[i + 1] == 's' || text[i + 1] == 'S')) {
      ++i;
    } else {
      finish();
      if (c == ',' || c == ';') {
        words.emplace_back(kComma);
      }
    }
  }
  finish();
  return words;
}

/// An object while its words come in.
struct Draft {
  ObjectSpec spec;
  int count = 0;  ///< from a number word; 0 while there is none
  Number number = Number::singular;
  bool has_unknown = false;  ///< a word before the noun that was not understood

  bool has_noun() const { return !spec.noun.empty(); }
};

class Parser {
 public:
  Understanding parse(std::string_view prompt) {
    const std::vector<std::string> words = words_of(prompt);
    for (std::size_t i = 0; i < words.size();) {
      if (words[i] == kComma) {
        after_comma_ = true;
        ++i;
        continue;
      }
      if (const auto match = longest_match(words, i)) {
        take(*match, joined(words, i, match->words));
        i += match->words;
      } else if (const int number = as_number(words[i]); number >= 0) {
        draft().count = number;
        ++i;
      } else {
        take_unknown(words[i]);
        ++i;
      }
      after_comma_ = false;
    }
    return finish();
  }

 private:
  static constexpr std::size_t kThird = 2;  ///< drafts_[kThird] collects what cannot be drawn

  Draft& draft() { return drafts_[current_]; }

  static std::string joined(const std::vector<std::string>& words, std::size_t at,
                            std::size_t count) {
    std::string all = words[at];
    for (std::size_t i = 1; i < count; ++i) {
      all += ' ' + words[at + i];
    }
    return all;
  }

  /// A number written in digits, clamped to 1..6; -1 if the word is none.
  static int as_number(const std::string& word) {
    if (!std::ranges::all_of(word, [](unsigned char c) { return std::isdigit(c) != 0; })) {
      return -1;
    }
    return word.size() > 1 ? 6 : std::clamp(word[0] - '0', 1, 6);
  }

  void take(const Match& match, const std::string& phrase) {
    const Meaning& meaning = match.meaning;
    switch (meaning.kind) {
      case WordKind::noun:
        return take_noun(match, phrase);
      case WordKind::colour:
        return take_colour(meaning, phrase);
      case WordKind::material:
        known(phrase, 1);
        draft().spec.material = meaning.canonical;
        return;
      case WordKind::size:
        known(phrase, 1);
        draft().spec.size = meaning.value;
        return;
      case WordKind::proportion:
        known(phrase, 1);
        draft().spec.proportion = meaning.proportion;
        return;
      case WordKind::count:
        draft().count = static_cast<int>(meaning.value);
        return;
      case WordKind::on:
        return link(Relation::on);
      case WordKind::with:
      case WordKind::conjunction:
        return link(Relation::with);
      case WordKind::article:
        // "a red car, a tree": the comma stands for "and".
        if (after_comma_ && draft().has_noun()) {
          link(Relation::with);
        }
        return;
      case WordKind::filler:
        return;
    }
  }

  void take_noun(const Match& match, const std::string& phrase) {
    known(phrase, 2);
    // Of nouns in a row ("apple pie table") the last is the head, the others say its kind.
    draft().spec.noun = match.meaning.canonical;
    draft().number = match.number;
  }

  void take_colour(const Meaning& meaning, const std::string& phrase) {
    known(phrase, 1);
    auto& colours = draft().spec.colours;
    const bool is_new = std::ranges::find(colours, meaning.canonical) == colours.end();
    if (is_new && colours.size() < 2) {
      colours.emplace_back(meaning.canonical);
    }
  }

  /// Content that counts for the confidence, unless it belongs to a third object.
  void known(const std::string& phrase, int weight) {
    if (current_ == kThird) {
      take_unknown(phrase);
    } else {
      known_ += weight;
    }
  }

  void take_unknown(const std::string& phrase) {
    ++unknown_;
    draft().has_unknown = draft().has_unknown || !draft().has_noun();
    unknown_words_.push_back(phrase);
  }

  /// A relation: the words that follow are about the next object.
  void link(Relation relation) {
    if (current_ == 0 && !draft().has_noun()) {
      // "a dragon on a table": the thing asked for is the dragon, whatever follows.
      subject_is_unknown_ = subject_is_unknown_ || draft().has_unknown;
      return;
    }
    if (current_ == 1 && !draft().has_noun()) {
      relation_ = relation == Relation::on ? relation : relation_;  // "and on a table"
      return;
    }
    if (current_ < kThird) {
      ++current_;
    }
    if (current_ == 1) {
      relation_ = relation;
    }
  }

  /// A count applies to nouns that can be plural; a plural alone stands for a few.
  static void settle_count(Draft& draft) {
    constexpr int kAFew = 3;
    if (draft.number == Number::singular) {
      draft.spec.count = 1;
    } else if (draft.count > 0) {
      draft.spec.count = draft.count;
    } else {
      draft.spec.count = draft.number == Number::plural ? kAFew : 1;
    }
  }

  /// "a vase of blue glass", "a car in red": what follows a link without an object of its own
  /// describes the subject.
  void fold_back_adjectives() {
    ObjectSpec& subject = drafts_[0].spec;
    const Draft& other = drafts_[1];
    if (other.has_unknown) {
      return;
    }
    for (const std::string& colour : other.spec.colours) {
      if (subject.colours.size() < 2 &&
          std::ranges::find(subject.colours, colour) == subject.colours.end()) {
        subject.colours.push_back(colour);
      }
    }
    if (subject.material.empty()) {
      subject.material = other.spec.material;
    }
  }

  Understanding finish() {
    Understanding result;
    settle_count(drafts_[0]);
    settle_count(drafts_[1]);
    if (drafts_[1].has_noun()) {
      result.scene.relation = relation_;
      result.scene.other = drafts_[1].spec;
    } else {
      fold_back_adjectives();
    }
    result.scene.subject = drafts_[0].spec;
    const bool is_drawable = drafts_[0].has_noun() && !subject_is_unknown_;
    result.confidence = is_drawable ? static_cast<double>(known_) / (known_ + unknown_) : 0.0;
    result.unknown_words = std::move(unknown_words_);
    return result;
  }

  std::array<Draft, 3> drafts_;
  std::size_t current_ = 0;
  Relation relation_ = Relation::none;
  bool after_comma_ = false;
  bool subject_is_unknown_ = false;
  int known_ = 0;
  int unknown_ = 0;
  std::vector<std::string> unknown_words_;
};

}  // namespace

Understanding parse_prompt(std::string_view prompt) { return Parser().parse(prompt); }

}  // namespace lode::sketch
