// Reading of tokenizers' JSON files.
#include "base/json.h"

#include "base/file.h"
#include "tokenize/json_internal.h"

namespace lode::tokenize {

Result<std::string> read_text(const std::filesystem::path& path) {
  LODE_TRY(const Bytes bytes, read_file(path, kMaxVocabularyBytes));
  return std::string(as_text(bytes));
}

Result<nlohmann::json> parse_named_json(std::string_view text, const std::string& name) {
  auto json = parse_sorted_json(text);
  if (!json) {
    return annotate(std::move(json).error(), name);
  }
  return json;
}

Result<nlohmann::json> read_json(const std::filesystem::path& path) {
  LODE_TRY(const std::string text, read_text(path));
  return parse_named_json(text, path.string());
}

const nlohmann::json* find_member(const nlohmann::json& object, const std::string& key) {
  if (!object.is_object()) {
    return nullptr;
  }
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

Result<const nlohmann::json*> member(const nlohmann::json& object, const std::string& key,
                                     const std::string& where) {
  const nlohmann::json* found = find_member(object, key);
  if (found == nullptr) {
    return fail(Errc::invalid_input, where + ": no \"" + key + "\"");
  }
  return found;
}

Result<std::string> text_member(const nlohmann::json& object, const std::string& key,
                                const std::string& where) {
  LODE_TRY(const nlohmann::json* const found, member(object, key, where));
  if (!found->is_string()) {
    return fail(Errc::invalid_input, where + ": \"" + key + "\" is no text");
  }
  return found->get<std::string>();
}

std::optional<std::string> token_text(const nlohmann::json* entry) {
  if (entry != nullptr && entry->is_object()) {
    entry = find_member(*entry, "content");
  }
  if (entry == nullptr || !entry->is_string()) {
    return std::nullopt;
  }
  return entry->get<std::string>();
}

}  // namespace lode::tokenize
