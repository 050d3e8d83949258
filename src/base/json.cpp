#include "base/json.h"

#include <nlohmann/json.hpp>

namespace lode {
namespace {

/// Whether brackets outside of strings nest deeper than `limit`. Text that is no JSON gets some
/// answer; the parser refuses it afterwards.
bool nests_deeper_than(std::string_view text, int limit) {
  int depth = 0;
  bool is_in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_in_string) {
      i += c == '\\' ? 1 : 0;
      is_in_string = c != '"';
    } else if (c == '"') {
      is_in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > limit) {
        return true;
      }
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

template <class Json>
Result<Json> parse(std::string_view text) {
  if (nests_deeper_than(text, kMaxJsonDepth)) {
    return fail(Errc::limit_exceeded,
                "JSON nested deeper than " + std::to_string(kMaxJsonDepth) + " levels");
  }
  // The library takes a NUL for the end of the text, whatever follows it; JSON has none.
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return fail(Errc::invalid_input, "not JSON at byte " + std::to_string(nul + 1));
  }
  try {
    // In place, because a JSON value claims to convert to anything, Error included.
    return Result<Json>(boost::system::in_place_value, Json::parse(text));
  } catch (const nlohmann::json::parse_error& error) {
    // The library's own message quotes the text around the fault.
    return fail(Errc::invalid_input, "not JSON at byte " + std::to_string(error.byte));
  } catch (const nlohmann::json::out_of_range&) {
    return fail(Errc::invalid_input, "JSON with a number beyond the range of a double");
  }
}

}  // namespace

Result<nlohmann::ordered_json> parse_json(std::string_view text) {
  return parse<nlohmann::ordered_json>(text);
}

Result<nlohmann::json> parse_sorted_json(std::string_view text) {
  return parse<nlohmann::json>(text);
}

}  // namespace lode
