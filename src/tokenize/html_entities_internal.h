// HTML's character references, undone as Python's html.unescape does.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace lode::tokenize {

struct HtmlName {
  std::string_view name;  ///< without the ampersand, with the semicolon where it has to be there
  std::u32string_view text;
};

/// All named references, sorted by name.
std::span<const HtmlName> html_names();

/// "&amp;", "&eacute", "&#233;", "&#xE9;" and the like replaced; what is no reference stays.
std::u32string unescape_html(std::u32string_view text);

}  // namespace lode::tokenize
