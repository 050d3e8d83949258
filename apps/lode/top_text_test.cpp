#include "lode/top_text.h"

#include <gtest/gtest.h>

namespace lode::top {
namespace {

TEST(TopText, LeavesNoControlCharacters) {
  EXPECT_EQ(printable("a\x1b[31mred\x07\r\n\t\x7f"), "a?[31mred?????");
  EXPECT_EQ(printable(std::string_view("\0x", 2)), "?x");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "?31m");  // C1: CSI in one character
  EXPECT_EQ(printable("a\xe2\x80\xae"
                      "b\xe2\x81\xa6"),
            "a?b?");                        // turned writing, isolates
  EXPECT_EQ(printable("e\xcc\x81"), "e?");  // a combining accent
}

TEST(TopText, KeepsTextOfOtherLanguages) {
  EXPECT_EQ(printable("caf\xc3\xa9 \xe7\xba\xa2\xe8\x89\xb2"),
            "caf\xc3\xa9 \xe7\xba\xa2\xe8\x89\xb2");
  EXPECT_EQ(columns("caf\xc3\xa9"), 4U);
  EXPECT_EQ(columns("\xe7\xba\xa2\xe8\x89\xb2"), 4U);
  EXPECT_EQ(ascii_only("\xc3\xa9\xe7\xba\xa2x"), "???x");
}

TEST(TopText, ReplacesEachByteThatIsNoUtf8) {
  EXPECT_EQ(printable("\xff\xfe"), "??");
  EXPECT_EQ(printable("\xe7\xba"), "??");            // cut short
  EXPECT_EQ(printable("\xc0\xaf"), "??");            // overlong
  EXPECT_EQ(printable("\xe0\x80\xaf"), "???");       // overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "???");       // a surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "????");  // beyond Unicode
}

TEST(TopText, FitsExactly) {
  EXPECT_EQ(fit("abc", 5), "abc  ");
  EXPECT_EQ(fit("abc", 5, true), "  abc");
  EXPECT_EQ(fit("abcdef", 4), "abcd");
  EXPECT_EQ(fit("", 0), "");
  // A wide character that would stick out by half is left away.
  EXPECT_EQ(fit("a\xe7\xba\xa2", 2), "a ");
  EXPECT_EQ(fit("\x1b\x1b\x1b", 2), "??");
}

TEST(TopText, WrapsAtSpacesAndCutsLongWords) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(wrap("a red mug", 5), (Lines{"a red", "mug"}));
  EXPECT_EQ(wrap("a red mug", 6), (Lines{"a red", "mug"}));
  EXPECT_EQ(wrap("abcdefgh", 3), (Lines{"abc", "def", "gh"}));
  EXPECT_EQ(wrap("", 5), (Lines{""}));
  EXPECT_EQ(wrap("\xe7\xba\xa2\xe7\xba\xa2", 3), (Lines{"\xe7\xba\xa2", "\xe7\xba\xa2"}));
}

}  // namespace
}  // namespace lode::top
