#include "tokenize/fix_text.h"

#include <gtest/gtest.h>

#include "tokenize/code_pages_internal.h"
#include "tokenize/mojibake_bytes_internal.h"
#include "tokenize/mojibake_signs_internal.h"
#include "tokenize/unicode_internal.h"

namespace lode::tokenize {
namespace {

using Case = std::pair<std::u32string_view, std::u32string_view>;

void expect_fixed(std::initializer_list<Case> cases) {
  for (const auto& [text, wanted] : cases) {
    EXPECT_EQ(encode_utf8(fix_text(text)), encode_utf8(wanted)) << encode_utf8(text);
  }
}

TEST(FixText, LeavesWhatIsFine) {
  for (const std::u32string_view text :
       {U"", U"a red dragon", U"caf\u00E9 \u00E0 la mode", U"\u65E5\u672C\u8A9E",
        U"\u0643\u0644\u0628", U"\U0001F409 x\u00B2 5\u00D73", U"<b>&amp;</b>"}) {
    EXPECT_EQ(fix_text(text), text);
  }
}

TEST(FixText, UndoesMojibakeOfOneLevelAndOfTwo) {
  expect_fixed({{U"sch\u00C3\u00B6n", U"sch\u00F6n"},
                {U"sch\u00C3\u0192\u00C2\u00B6n", U"sch\u00F6n"},
                {U"\u00E2\u0153\u201D No problems", U"\u2714 No problems"},
                {U"\u0432\u0402\u201D", U"\u2014"}});
}

TEST(FixText, GivesBackTheNoBreakSpaceThatBecameASpace) {
  expect_fixed({{U"voil\u00C3 le travail", U"voil\u00E0 le travail"},
                {U"\u00C3 la mode \u00C2\u00BD", U"\u00E0 la mode \u00BD"},
                {U"\u00C3 quela hora \u00C2\u00BD", U"\u00E0quela hora \u00BD"}});
}

TEST(FixText, MendsAPartWhereTheWholeIsOfTwoEncodings) {
  expect_fixed({{U"\u65E5\u672C \u00E2\u20AC\u0153quoted\u00E2\u20AC\u009D \u00C3\u00A9",
                 U"\u65E5\u672C \"quoted\" \u00E9"}});
}

TEST(FixText, MarksACharacterOfWhichAByteIsLost) {
  expect_fixed({{U"\u00E2\u20AC\u0153like this\u00E2\u20AC\uFFFD", U"\"like this\uFFFD"}});
}

TEST(FixText, ReadsControlsAsWindows1252) {
  expect_fixed({{U"it\x92s", U"it's"}, {U"\u65E5 \x85", U"\u65E5 \u2026"}});
}

TEST(FixText, UndoesWholeReferencesUntilATagAppears) {
  expect_fixed({{U"&amp;amp;lt;b&gt; &NTILDE; &nTILDE; &SZLIG;", U"<b> \u00D1 &nTILDE; SS"},
                {U"&notit; &#59; &semi; &#12ab; &amp", U"&notit; &#59; ; &#12ab; &amp"},
                {U"&gt;\na<b &gt;\n&gt;", U">\na<b &gt;\n&gt;"}});
}

TEST(FixText, StopsUndoingReferencesThatAreNestedWithoutEnd) {
  std::u32string text = U"&";
  for (int i = 0; i < 1000; ++i) {
    text += U"amp;";
  }
  const std::size_t size = fix_text(text).size();
  EXPECT_EQ(size, text.size() - 4 * 256);
}

TEST(FixText, TakesLigaturesWidthsAndQuotationMarksApart) {
  expect_fixed({{U"\uFB02u\uFB03e\uFB06 \u01C4 \u0149", U"fluffiest D\u017D 'n"},
                {U"\uFF2C\uFF2F\uFF35\uFF24\u3000\uFF01", U"LOUD !"},
                {U"\uFF76\uFF9E", U"\u30AC"},
                {U"\u201Chere\u2019s a \u2018test\u2019\u201D", U"\"here's a 'test'\""}});
}

TEST(FixText, UnifiesLineEndsAndDropsEscapesAndControls) {
  expect_fixed({{U"a\r\nb\rc\u2028d\u2029e", U"a\nb\nc\nd\ne"},
                {U"\x1b[36;44mblue\x1b[0m \x1b[\u0663m. \x1b[5", U"blue . [5"},
                {U"\uFEFFa\x01\u206A\uFFFC\x7F\tb", U"a\tb"}});
}

TEST(FixText, PairsSurrogatesAndComposes) {
  const std::u32string pair = {0xD83D, 0xDE00, U'a'};
  const std::u32string turned = {0xDE00, 0xD83D};
  EXPECT_EQ(fix_text(pair), U"\U0001F600a");
  EXPECT_EQ(fix_text(turned), U"\uFFFD\uFFFD");
  EXPECT_EQ(fix_text(U"e\u0301"), U"\u00E9");
}

TEST(FixText, ReadsLongLinesInPiecesOfAMillionCharacters) {
  std::u32string text(999'998, U'a');
  text += U"&amp;&amp;";
  const std::u32string fixed = fix_text(text);
  EXPECT_EQ(fixed.substr(999'998), U"&amp;&");  // the first reference is cut in two
}

TEST(CodePages, EncodeWhatTheyDecode) {
  for (const CodePage& page : code_pages()) {
    std::u32string all;
    std::string bytes;
    for (unsigned byte = 0; byte < 0x100; ++byte) {
      all.push_back(page.decode(static_cast<unsigned char>(byte)));
      bytes.push_back(static_cast<char>(byte));
    }
    EXPECT_EQ(page.encode(all), bytes);
    EXPECT_EQ(page.encode(U"\u65E5"), std::nullopt);
    EXPECT_EQ(page.encode(U"\x1a").has_value(), !page.is_sloppy());
  }
}

TEST(MojibakeBytes, ReadsSurrogatePairsAndJavasNul) {
  using namespace std::string_view_literals;
  EXPECT_EQ(decode_utf8_or_variants("\xED\xA0\xBD\xED\xB8\x80!"), U"\U0001F600!");
  EXPECT_EQ(decode_utf8_or_variants("a\xC0\x80z"), U"a\0z"sv);
  EXPECT_EQ(decode_utf8_or_variants("\xED\x95\x9C"), U"\uD55C");
  EXPECT_EQ(decode_utf8_or_variants("\xED\xA0\xBD"), std::nullopt);
  EXPECT_EQ(decode_utf8_or_variants("\xC0"), std::nullopt);
}

TEST(MojibakeBytes, ReadsALinesEndAsAFinalByteLikeFtfysExpressions) {
  using namespace std::string_view_literals;
  EXPECT_EQ(decode_utf8_or_variants("\xC0\n"), U"\0"sv);
  EXPECT_EQ(decode_utf8_or_variants("\xED\xA0\x80\xED\xB0\n"), U"\U0001000A");
  EXPECT_EQ(decode_utf8_or_variants("\xC0\n\n"), std::nullopt);
}

TEST(MojibakeSigns, RunsDoNotStartAfterAContinuation) {
  EXPECT_EQ(utf8_run_size(U"\u00C3\u00A9\u00E2\u20AC\u0153x", 0), 5U);
  EXPECT_EQ(utf8_run_size(U"\u00A9\u00C3\u00A9", 1), 0U);
  EXPECT_EQ(utf8_run_size(U"\u2014\u00C3\u00A9", 1), 2U);
}

TEST(MojibakeSigns, AreNotSeenInLettersOfOneLanguage) {
  EXPECT_FALSE(has_mojibake(U"ma\u00E7\u00E3 \u00C0 \u0421\u043E\u043D"));
  EXPECT_TRUE(has_mojibake(U"\u00C3\u00B1"));
  EXPECT_TRUE(has_mojibake(U"\u00C2 x"));
  EXPECT_FALSE(has_mojibake(U"X\u00C2 x"));
}

}  // namespace
}  // namespace lode::tokenize
