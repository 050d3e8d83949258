#include "tokenize/html_entities_internal.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace lode::tokenize {
namespace {

TEST(HtmlEntities, ReplacesWhatPythonReplaces) {
  // Each pair from Python's html.unescape.
  const std::pair<std::u32string_view, std::u32string_view> kCases[] = {
      {U"&amp;&lt;&gt;&quot;", U"&<>\""},
      {U"&eacute &eacute;x", U"\u00e9 \u00e9x"},
      {U"&notit; &notin;", U"\u00acit; \u2209"},
      {U"&NotEqualTilde;", U"\u2242\u0338"},
      {U"&amp;amp;", U"&amp;"},
      {U"&#233;&#xE9&#Xe9;", U"\u00e9\u00e9\u00e9"},
      {U"&#0;&#128;&#xD800;&#1114112;&#99999999999;", U"\ufffd\u20ac\ufffd\ufffd\ufffd"},
      {U"&#7;&#x1F;&#xFFFE;|", U"|"},
      {U"& &&amp &; &#; &#x; &bogus; &", U"& && &; &#; &#x; &bogus; &"},
      {U"&ampé; &éamp;", U"&é; &éamp;"},
      {U"&#13;&#10;&#12;", U"\r\n\f"},
  };
  for (const auto& [text, expected] : kCases) {
    EXPECT_TRUE(unescape_html(text) == expected)
        << std::string(text.begin(), text.end()) << " gives "
        << testing::PrintToString(unescape_html(text));
  }
}

TEST(HtmlEntities, HasEveryNameOnceInOrder) {
  const auto names = html_names();
  EXPECT_EQ(names.size(), 2231U);
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end(),
                             [](const auto& a, const auto& b) { return a.name < b.name; }));
}

}  // namespace
}  // namespace lode::tokenize
