// The sets of characters and the sequences of ftfy 6.3.1's heuristic (its badness.py and the
// UTF8_CLUES of chardata.py).
#include "tokenize/mojibake_signs_internal.h"

#include <algorithm>
#include <unordered_map>

#include "tokenize/code_pages_internal.h"
#include "tokenize/patterns_internal.h"
#include "tokenize/unicode_internal.h"

namespace lode::tokenize {
namespace {

// What a character is: bits, a character may have several.
using Classes = std::uint32_t;
enum : Classes {
  kCommon = 1U << 0,  // in many contexts: no sign by itself
  kC1 = 1U << 1,      // controls 0x80 to 0x9F
  kBad = 1U << 2,     // hardly seen but in mojibake
  kLaw = 1U << 3,
  kCurrency = 1U << 4,
  kStart = 1U << 5,  // punctuation that starts something
  kEnd = 1U << 6,    // punctuation that ends something
  kNumeric = 1U << 7,
  kKaomoji = 1U << 8,  // letters of which faces are drawn
  kUpperAccented = 1U << 9,
  kLowerAccented = 1U << 10,
  kUpperCommon = 1U << 11,  // Greek, Cyrillic, thorn
  kLowerCommon = 1U << 12,
  kBox = 1U << 13,
  kFirstOf2 = 1U << 14,            // reads as a byte 0xC2 to 0xDF in some page
  kFirstOf3 = 1U << 15,            // 0xE0 to 0xEF
  kFirstOf4 = 1U << 16,            // 0xF0 or 0xF3: others lead to unassigned characters
  kContinuation = 1U << 17,        // 0x80 to 0xBF, or a space
  kStrictContinuation = 1U << 18,  // without spaces, dashes, quotation marks, bullet and ellipsis
  kAsciiUpper = 1U << 19,
  kAsciiLower = 1U << 20,
  kSpace = 1U << 21,  // \s of Python
  kWord = 1U << 22    // \w of Python
};
constexpr Classes kAccented = kUpperAccented | kLowerAccented;
constexpr Classes kAsciiLetter = kAsciiUpper | kAsciiLower;

struct Members {
  Classes which;
  std::u32string_view singles;
  std::u32string_view ranges;  ///< first, last, first, last ...
};

constexpr Members kMembers[] = {
    {kCommon, U"\u00A0\u00AD\u00B4\u00B7\u2013\u2014\u2015\u2019\u2026", U""},
    {kC1, U"", U"\x80\x9f"},
    {kBad,
     U"\u00A4\u00A6\u00A8\u00AA\u00AC\u00AF\u00B8\u00BA\u0192\u02C6\u02C7\u02D8\u02DB\u02DC\u2020"
     U"\u2021\u2030\u2310\u25CA\uFFFD",
     U""},
    {kLaw, U"\u00A7\u00B6", U""},
    {kCurrency, U"\u00A2\u00A3\u00A5\u20A7\u20AC", U""},
    {kStart, U"\u00A1\u00A9\u00AB\u00BF\u0384\u0385\u2018\u201A\u201C\u201E\u2022\u2039\uF8FF",
     U""},
    {kEnd, U"\u00AE\u00BB\u02DD\u201D\u203A\u2122", U""},
    {kNumeric,
     U"\u00B1\u00B2\u00B3\u00B5\u00B9\u00D7\u00F7\u2044\u2116\u2202\u2206\u220F\u2211\u221A\u221E"
     U"\u2229\u222B\u2248\u2260\u2261\u2264\u2265",
     U"\u00BC\u00BE"},
    {kKaomoji, U"\u00B0\u014C\u0150\u016A\u0172",
     U"\u00D2\u00D6\u00D9\u00DC\u00F2\u00F6\u00F8\u00FC"},
    {kUpperAccented,
     U"\u00D8\u00DC\u00DD\u0100\u0102\u0104\u0106\u010C\u010E\u0110\u0112\u0116\u0118\u011A\u011E"
     U"\u0122\u012A\u0130\u0136\u0139\u013B\u013D\u0141\u0143\u0145\u0147\u0152\u0158\u015A\u015E"
     U"\u0160\u0162\u0164\u016E\u0170\u0178\u0179\u017B\u017D\u0490",
     U"\u00C0\u00D1"},
    {kLowerAccented,
     U"\u00FC\u0101\u0103\u0105\u0107\u010D\u010F\u0111\u0113\u0117\u0119\u011B\u011F\u0123\u012B"
     U"\u012F\u0137\u013A\u013C\u013E\u0142\u0153\u0155\u015B\u015F\u0161\u0165\u017A\u017C\u017E"
     U"\u0491\uFB01\uFB02",
     U"\u00DF\u00F1"},
    {kUpperCommon, U"\u00DE\u0386\u0388\u0389\u038A\u038C\u038E\u038F",
     U"\u0391\u03AB\u0401\u042F"},
    {kLowerCommon, U"", U"\u03AC\u03C9\u0430\u045F"},
    {kBox, U"\u2502\u250C\u2510\u2518\u251C\u2524\u252C\u253C\u2580\u2584\u2588\u258C",
     U"\u2550\u256C\u2590\u2593"}};

/// Continuation bytes' characters that often stand for themselves: dashes, quotation marks, bullet,
/// ellipsis.
constexpr std::u32string_view kLaxContinuation =
    U"\u2013\u2014\u2015\u2018\u2019\u201A\u201C\u201D\u201E\u2022\u2026";

Classes byte_classes(unsigned char byte) {
  if (byte < 0xC0) {
    return kContinuation | kStrictContinuation;
  }
  if (byte >= 0xC2 && byte <= 0xDF) {
    return kFirstOf2;
  }
  if (byte >= 0xE0 && byte <= 0xEF) {
    return kFirstOf3;
  }
  return byte == 0xF0 || byte == 0xF3 ? Classes{kFirstOf4} : 0U;
}

using ClassTable = std::unordered_map<char32_t, Classes>;

ClassTable make_table() {
  ClassTable table;
  for (const Page page : {Page::latin_1, Page::windows_1252, Page::windows_1251, Page::windows_1250,
                          Page::windows_1253, Page::windows_1254, Page::windows_1257}) {
    for (unsigned byte = 0x80; byte < 0x100; ++byte) {
      const auto value = static_cast<unsigned char>(byte);
      table[code_page(page).decode(value)] |= byte_classes(value);
    }
  }
  table[U' '] |= kContinuation;
  for (const char32_t c : kLaxContinuation) {
    table[c] &= ~kStrictContinuation;
  }
  for (const Members& members : kMembers) {
    for (const char32_t c : members.singles) {
      table[c] |= members.which;
    }
    for (std::size_t i = 0; i + 1 < members.ranges.size(); i += 2) {
      for (char32_t c = members.ranges[i]; c <= members.ranges[i + 1]; ++c) {
        table[c] |= members.which;
      }
    }
  }
  return table;
}

Classes classes_of(char32_t c) {
  static const ClassTable table = make_table();
  const auto found = table.find(c);
  Classes classes = found == table.end() ? 0 : found->second;
  classes |= c >= U'A' && c <= U'Z' ? kAsciiUpper : 0U;
  classes |= c >= U'a' && c <= U'z' ? kAsciiLower : 0U;
  classes |= is_python_space(c) ? kSpace : 0U;
  classes |= is_letter(c) || is_number(c) || c == U'_' ? kWord : 0U;
  return classes;
}

struct Letter {
  char32_t c;
  Classes classes;
};

/// A set of characters: of some classes, or listed; or all others.
struct Set {
  Classes classes = 0;
  std::u32string_view listed;
  bool is_complement = false;

  bool matches(const Letter& letter) const {
    const bool is_in =
        (letter.classes & classes) != 0 || listed.find(letter.c) != std::u32string_view::npos;
    return is_in != is_complement;
  }
};

Set of(Classes classes, std::u32string_view listed = {}) { return {classes, listed, false}; }
Set one_of(std::u32string_view listed) { return {0, listed, false}; }
Set none_of(Classes classes, std::u32string_view listed = {}) { return {classes, listed, true}; }

using Sequences = std::vector<Sequence<Set>>;

/// Neighbours that do not go together whatever the language.
Sequences general_signs() {
  constexpr Classes kSymbols = kBox | kStart | kEnd | kCurrency | kNumeric | kLaw;
  return {
      {of(kC1)},
      {of(kBad | kAccented | kSymbols), of(kBad)},
      {of(kAsciiLetter), of(kLowerCommon | kUpperCommon), of(kBad)},
      {of(kBad), of(kAccented | kSymbols)},
      {of(kLowerAccented | kLowerCommon | kBox | kEnd | kCurrency | kNumeric), of(kUpperAccented)},
      {of(kBox | kEnd | kCurrency | kNumeric), of(kLowerAccented)},
      {of(kLowerAccented | kBox | kEnd), of(kCurrency)},
      {of(kSpace), of(kUpperAccented), of(kCurrency)},
      {of(kUpperAccented | kBox), of(kNumeric | kLaw)},
      {of(kAccented | kBox | kCurrency | kEnd), of(kStart), of(kNumeric)},
      {of(kAccented | kCurrency | kNumeric | kBox | kLaw), of(kEnd), of(kStart)},
      {of(kCurrency | kNumeric | kBox), of(kStart)},
      {of(kAsciiLower), of(kUpperAccented), of(kStart | kCurrency)},
      {of(kBox), of(kKaomoji)},
      {of(kAccented | kCurrency | kNumeric | kStart | kEnd | kLaw), of(kBox)},
      {of(kBox), of(kEnd)},
      {of(kAccented), of(kStart | kEnd), of(kWord)},
      {one_of(U"\u0152\u0153"), none_of(kAsciiLetter)},
      {of(kUpperAccented), one_of(U"\u00B0")},
  };
}

/// What UTF-8 becomes in one page and is not covered by the general signs. A rule with more
/// characters is one whose shorter form people write.
Sequences page_signs() {
  const Set arabic_lead = one_of(U"\u00D8\u00D9");
  const Set arabic_next =
      of(kCommon | kCurrency | kBad | kNumeric | kStart, U"\u0178\u0160\u00AE\u00B0\u00B5\u00BB");
  const Set cyrillic_lead = one_of(U"\u0412\u0413\u0420\u0421");
  const Set greek_lead = one_of(U"\u0392\u0393\u039E\u039F");
  const Set lead_of_latin = one_of(U"\u00C2\u00C3");
  constexpr Classes kBetween = kC1 | kBad | kStart | kEnd | kCurrency;
  return {
      // Windows-1252
      {one_of(U"\u00C2\u00C3\u00CE\u00D0"),
       of(kStart | kEnd,
          U"\u20AC\u0153\u0160\u0161\u00A2\u00A3\u0178\u017E\u00A0\u00AD\u00AE\u00A9\u00B0\u00B7"
          U"\u00BB\u2013\u2014\u00B4")},
      {one_of(U"\u00D7"), one_of(U"\u00B2\u00B3")},
      {arabic_lead, arabic_next, arabic_lead, arabic_next},
      {one_of(U"\u00E0"), one_of(U"\u00B2\u00B5\u00B9\u00BC\u00BD\u00BE")},  // South Asia
      {one_of(U"\u00C3"), one_of(U"\u00A0\u00A1")},
      {of(kAsciiLower), lead_of_latin, one_of(U" ")},
      {of(kAsciiLower), of(kSpace), lead_of_latin, one_of(U" ")},
      {of(kAsciiLower | kEnd, U".,?!"), one_of(U"\u00C2"), of(kStart | kEnd, U" ")},
      // MacRoman
      {one_of(U"\u221A"),
       one_of(U"\u00B1\u2202\u2020\u2260\u00AE\u2122\u00B4\u2264\u2265\u00A5\u00B5\u00F8")},
      {one_of(U"\u2248"), one_of(U"\u00B0\u00A2")},
      {one_of(U"\u201A"), one_of(U"\u00C4"),
       one_of(U"\u00EC\u00EE\u00EF\u00F2\u00F4\u00FA\u00F9\u00FB\u2020\u00B0\u00A2\u03C0")},
      {one_of(U"\u201A"), one_of(U"\u00E2\u00F3"), one_of(U"\u00E0\u00E4\u00B0\u00EA")},
      // Windows-1251
      {one_of(U"\u0432"), one_of(U"\u0402")},
      {cyrillic_lead, of(kBetween, U"\u00B0\u00B5"), cyrillic_lead},
      {one_of(U"\u0413"), one_of(U"\u045E"), one_of(U"\u0412"), one_of(U"\u0402"),
       one_of(U"\u0412"), none_of(0, U"\n"), of(kAsciiLetter, U" ")},
      // Windows-1253
      {one_of(U"\u03B2"), one_of(U"\u20AC"), one_of(U"\u2122\u00A0\u0386\u00AD\u00AE\u00B0")},
      {greek_lead, of(kBetween, U"\u00B0"), greek_lead},
      // Windows-1257
      {one_of(U"\u0101"), one_of(U"\u20AC")},
  };
}

Sequences all_signs() {
  Sequences signs = general_signs();
  const Sequences more = page_signs();
  signs.insert(signs.end(), more.begin(), more.end());
  return signs;
}

std::vector<Letter> classify(std::u32string_view text) {
  std::vector<Letter> letters;
  letters.reserve(text.size());
  for (const char32_t c : text) {
    letters.push_back({c, classes_of(c)});
  }
  return letters;
}

}  // namespace

bool has_mojibake(std::u32string_view text) {
  static const Sequences signs = all_signs();
  // At the start of a text these two are signs; a lower-case letter before is asked for elsewhere.
  if (text.starts_with(U"\u00C3 ") || text.starts_with(U"\u00C2 ")) {
    return true;
  }
  const std::vector<Letter> classified = classify(text);
  const std::span<const Letter> letters(classified);
  for (std::size_t i = 0; i < letters.size(); ++i) {
    if (match_size(letters.subspan(i), signs) > 0) {
      return true;
    }
  }
  return false;
}

std::size_t utf8_run_size(std::u32string_view text, std::size_t at) {
  if (at > 0 && (classes_of(text[at - 1]) & kStrictContinuation) != 0) {
    return 0;
  }
  std::size_t end = at;
  while (end < text.size()) {
    const Classes lead = classes_of(text[end]);
    std::size_t follow = 0;
    while (follow < 3 && end + 1 + follow < text.size() &&
           (classes_of(text[end + 1 + follow]) & kContinuation) != 0) {
      ++follow;
    }
    if ((lead & kFirstOf2) != 0 && follow >= 1) {
      end += 2;
    } else if ((lead & kFirstOf3) != 0 && follow >= 2) {
      end += 3;
    } else if ((lead & kFirstOf4) != 0 && follow >= 3) {
      end += 4;
    } else {
      break;
    }
  }
  return end - at;
}

}  // namespace lode::tokenize
