// The pieces that `lode top` is laid out from: fields of foreign JSON, words, cells of a line.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "lode/top_layout.h"

namespace lode::top {

using Json = nlohmann::json;
using Lines = std::vector<Line>;

/// Null where `object` is none or has no such key.
const Json& field(const Json& object, const char* key);
/// `otherwise` for what is no number; held within 1e12, so that it can be printed and converted.
double number(const Json& object, const char* key, double otherwise = 0);
/// Empty for what is no string.
std::string text(const Json& object, const char* key);
bool is_number(const Json& object, const char* key);
/// A number without its fraction; "-" for what is none.
std::string whole(const Json& object, const char* key);
/// The objects of a list; empty for anything else.
std::vector<const Json*> rows(const Json& list);

/// "4.2 s", "42 s", "12 min", "3h05m", "1.5 d".
std::string seconds_text(double seconds);
/// UTC, from the key "at".
std::string clock_text(const Json& object);

Style style_of_state(const std::string& state);
Style style_of_event(const std::string& kind);
Style style_of_worker(const std::string& state);

/// A line that is built cell by cell and never grows beyond its width.
class LineOf {
 public:
  explicit LineOf(std::size_t width) : left_(width) {}

  /// `width` columns of `content`, and one of space after it where there is room.
  LineOf& cell(std::string_view content, std::size_t width, Style style = Style::plain,
               bool is_right = false);
  LineOf& right(std::string_view content, std::size_t width, Style style = Style::plain) {
    return cell(content, width, style, true);
  }
  /// As much of `content` as there is room for, and spaces.
  Line rest(std::string_view content, Style style = Style::plain);

 private:
  void put(std::string text, Style style);

  Line line_;
  std::size_t left_;
};

/// Pieces in as many lines as they need, two spaces between them.
Lines flow(const std::vector<Span>& pieces, std::size_t width);

}  // namespace lode::top
