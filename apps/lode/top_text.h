// Foreign text on a terminal: what may be shown of it, and how many columns that takes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lode::top {

/// UTF-8 in which '?' stands for what must not reach a terminal or would take no column: control
/// characters (escape sequences among them), bytes that are no UTF-8, combining and invisible
/// characters, those that turn the direction of writing.
std::string printable(std::string_view text);

/// ASCII in the same columns: '?' for all else. For terminals that do not speak UTF-8.
std::string ascii_only(std::string_view printable_text);

/// Columns of such text: two for East Asian and emoji characters.
std::size_t columns(std::string_view printable_text);

/// printable(text) in exactly `width` columns: cut, or filled with spaces on the right or,
/// `is_right`, on the left.
std::string fit(std::string_view text, std::size_t width, bool is_right = false);

/// printable(text) in lines of at most `width` columns (at least 2), broken at spaces where there
/// are any.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

}  // namespace lode::top
