// Tokenizers' JSON files: bounded reading, and fields that say where they are missing.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/result.h"

namespace lode::tokenize {

/// Largest vocabulary file that is read: the largest in use (multilingual T5) has 17 MB.
inline constexpr std::size_t kMaxVocabularyBytes = 32U << 20;
/// Most entries of a vocabulary: twice those of multilingual T5.
inline constexpr std::size_t kMaxVocabularyEntries = 1U << 19;

/// A whole file as text.
Result<std::string> read_text(const std::filesystem::path& path);

/// JSON text; keys are sorted, so that objects of many thousand keys stay quick. `name` is the
/// file, for errors.
Result<nlohmann::json> parse_named_json(std::string_view text, const std::string& name);

/// A whole JSON file.
Result<nlohmann::json> read_json(const std::filesystem::path& path);

/// The member `key` of an object, or an error that names `where` and the key.
Result<const nlohmann::json*> member(const nlohmann::json& object, const std::string& key,
                                     const std::string& where);

/// As member(), for a text.
Result<std::string> text_member(const nlohmann::json& object, const std::string& key,
                                const std::string& where);

/// Null when the key is absent or null, or the value is no object.
const nlohmann::json* find_member(const nlohmann::json& object, const std::string& key);

/// The text of a special token's entry, a string or an object with `content`; else nothing.
std::optional<std::string> token_text(const nlohmann::json* entry);

}  // namespace lode::tokenize
