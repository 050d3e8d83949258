// JSON text from outside into values, bounded in depth.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "base/result.h"

namespace lode {

/// Deepest nesting of arrays and objects that is read: our own formats use four levels.
inline constexpr int kMaxJsonDepth = 64;

/// Parses one JSON document; keys keep their order and the last of equal keys wins. The caller has
/// bounded the text's size. Errc::limit_exceeded above kMaxJsonDepth, which is checked before any
/// allocation, and Errc::invalid_input for anything that is no JSON in UTF-8. Errors give the
/// position and never the text: it may hold a key.
Result<nlohmann::ordered_json> parse_json(std::string_view text);

/// As parse_json, with keys sorted: for documents of very many keys, where keeping their order
/// takes time quadratic in their number.
Result<nlohmann::json> parse_sorted_json(std::string_view text);

}  // namespace lode
