// Reads a T5 tokenizer's tokenizer.json, or whichever file its folder has.
#include "tokenize/t5_files_internal.h"

#include <set>

#include "base/encoding.h"
#include "base/file.h"
#include "tokenize/json_internal.h"

namespace lode::tokenize {
namespace {

using nlohmann::json;

/// Most steps of a normaliser: T5's has three.
constexpr std::size_t kMaxSteps = 16;

Error unsupported(const std::string& where, const std::string& what) {
  return fail(Errc::unsupported, where + ": " + what + " is nothing that T5 uses");
}

Result<bool> flag_member(const json& object, const std::string& key, const std::string& where) {
  LODE_TRY(const json* const found, member(object, key, where));
  if (!found->is_boolean()) {
    return fail(Errc::invalid_input, where + ": \"" + key + "\" is not true or false");
  }
  return found->get<bool>();
}

Result<NormaliserStep> read_replace(const json& step, const std::string& where) {
  LODE_TRY(const json* const pattern, member(step, "pattern", where));
  LODE_TRY(std::string by, text_member(step, "content", where));
  if (by.size() > kMaxReplacementBytes) {
    return fail(Errc::limit_exceeded, where + ": the content has more than " +
                                          std::to_string(kMaxReplacementBytes) + " bytes");
  }
  if (find_member(*pattern, "Regex") != nullptr) {
    LODE_TRY(const std::string expression, text_member(*pattern, "Regex", where));
    if (expression != " {2,}") {
      return unsupported(where, "the expression \"" + expression + "\"");
    }
    return NormaliserStep(ReplaceSpacesStep{std::move(by)});
  }
  LODE_TRY(std::string text, text_member(*pattern, "String", where));
  if (text.empty()) {
    return fail(Errc::invalid_input, where + ": the pattern is empty");
  }
  return NormaliserStep(ReplaceStep{std::move(text), std::move(by)});
}

Result<NormaliserStep> read_step(const json& step, const std::string& where) {
  LODE_TRY(const std::string type, text_member(step, "type", where));
  if (type == "Precompiled") {
    LODE_TRY(const std::string encoded, text_member(step, "precompiled_charsmap", where));
    const auto blob = base64_decode(encoded);
    if (!blob) {
      return annotate(blob.error(), where + ": precompiled_charsmap");
    }
    LODE_TRY(Charsmap map, Charsmap::parse(*blob, where + ": precompiled_charsmap"));
    return NormaliserStep(std::move(map));
  }
  if (type == "Strip") {
    LODE_TRY(const bool left, flag_member(step, "strip_left", where));
    LODE_TRY(const bool right, flag_member(step, "strip_right", where));
    return NormaliserStep(StripStep{left, right});
  }
  if (type == "Replace") {
    return read_replace(step, where);
  }
  return unsupported(where, "the type \"" + type + "\"");
}

/// The list under `key` of a "Sequence", or the one step itself.
Result<std::vector<const json*>> list_steps(const json& step, const std::string& key,
                                            const std::string& where) {
  LODE_TRY(const std::string type, text_member(step, "type", where));
  std::vector<const json*> steps;
  if (type != "Sequence") {
    steps.push_back(&step);
    return steps;
  }
  LODE_TRY(const json* const list, member(step, key, where));
  if (!list->is_array() || list->size() > kMaxSteps) {
    return fail(Errc::invalid_input,
                where + ": \"" + key + "\" is not a list of at most " + std::to_string(kMaxSteps));
  }
  for (const json& one : *list) {
    steps.push_back(&one);
  }
  return steps;
}

Result<void> read_normaliser(T5Files& files, const json& document, const std::string& name) {
  const json* const normaliser = find_member(document, "normalizer");
  if (normaliser == nullptr) {
    return {};
  }
  const std::string where = name + " normalizer";
  LODE_TRY(const auto steps, list_steps(*normaliser, "normalizers", where));
  for (const json* const step : steps) {
    LODE_TRY(NormaliserStep read, read_step(*step, where));
    files.normaliser.push_back(std::move(read));
  }
  return {};
}

Result<void> read_metaspace(T5Files& files, const json& step, const std::string& where) {
  LODE_TRY(const std::string replacement, text_member(step, "replacement", where));
  if (replacement != kSpaceMark) {
    return unsupported(where, "the replacement \"" + replacement + "\"");
  }
  if (find_member(step, "prepend_scheme") != nullptr) {
    LODE_TRY(const std::string scheme, text_member(step, "prepend_scheme", where));
    // "first" is "always" for a text that is one part.
    const bool is_first = scheme == "first" && !files.split_white_space;
    if (scheme != "always" && scheme != "never" && !is_first) {
      return unsupported(where, "the prepend_scheme \"" + scheme + "\"");
    }
    files.add_prefix = scheme != "never";
  } else {  // before tokenizers 0.15
    LODE_TRY(files.add_prefix, flag_member(step, "add_prefix_space", where));
  }
  if (find_member(step, "split") != nullptr) {
    LODE_TRY(files.split_marks, flag_member(step, "split", where));
  }
  return {};
}

/// A Metaspace, which a WhitespaceSplit may come before.
Result<void> read_pre_tokeniser(T5Files& files, const json& document, const std::string& name) {
  LODE_TRY(const json* const step, member(document, "pre_tokenizer", name));
  const std::string where = name + " pre_tokenizer";
  LODE_TRY(const auto steps, list_steps(*step, "pretokenizers", where));
  bool has_metaspace = false;
  for (const json* const one : steps) {
    LODE_TRY(const std::string type, text_member(*one, "type", where));
    if (type == "WhitespaceSplit" && !has_metaspace) {
      files.split_white_space = true;
    } else if (type == "Metaspace" && !has_metaspace) {
      LODE_CHECK(read_metaspace(files, *one, where));
      has_metaspace = true;
    } else {
      return unsupported(where, "the type \"" + type + "\" here");
    }
  }
  return has_metaspace ? Result<void>() : fail(Errc::unsupported, where + ": no \"Metaspace\"");
}

/// Texts of the tokens that the library would match before anything else.
Result<std::set<std::string>> read_added_tokens(const json& document, const std::string& name) {
  std::set<std::string> texts;
  const json* const added = find_member(document, "added_tokens");
  if (added == nullptr) {
    return texts;
  }
  if (!added->is_array() || added->size() > kMaxVocabularyEntries) {
    return fail(Errc::invalid_input, name + ": added_tokens is not a list of at most " +
                                         std::to_string(kMaxVocabularyEntries));
  }
  for (const json& token : *added) {
    LODE_TRY(std::string text, text_member(token, "content", name + " added_tokens"));
    texts.insert(std::move(text));
  }
  return texts;
}

Result<std::vector<Piece>> read_pieces(const json& model, const std::set<std::string>& specials,
                                       const std::string& where) {
  LODE_TRY(const json* const vocabulary, member(model, "vocab", where));
  if (!vocabulary->is_array() || vocabulary->size() > kMaxVocabularyEntries) {
    return fail(Errc::invalid_input, where + ".vocab: not a list of at most " +
                                         std::to_string(kMaxVocabularyEntries) + " pieces");
  }
  std::vector<Piece> pieces;
  pieces.reserve(vocabulary->size());
  for (const json& entry : *vocabulary) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number()) {
      return fail(Errc::invalid_input, where + ".vocab piece " + std::to_string(pieces.size()) +
                                           ": not a text and a score");
    }
    std::string text = entry[0].get<std::string>();
    const bool is_special = specials.contains(text);
    pieces.push_back({std::move(text), entry[1].get<double>(), is_special});
  }
  return pieces;
}

Result<void> read_model(T5Files& files, const json& document, const std::string& name) {
  const std::string where = name + " model";
  LODE_TRY(const json* const model, member(document, "model", name));
  LODE_TRY(const std::string type, text_member(*model, "type", where));
  if (type != "Unigram") {
    return fail(Errc::unsupported, where + ": type is \"" + type + "\", not \"Unigram\"");
  }
  if (const json* const fallback = find_member(*model, "byte_fallback")) {
    if (*fallback != false) {
      return unsupported(where, "byte_fallback");
    }
  }
  LODE_TRY(const json* const unknown, member(*model, "unk_id", where));
  if (!unknown->is_number_unsigned()) {
    return fail(Errc::invalid_input, where + ": unk_id is no id");
  }
  LODE_TRY(const auto specials, read_added_tokens(document, name));
  LODE_TRY(const auto pieces, read_pieces(*model, specials, where));
  return set_pieces(files, pieces, unknown->get<std::size_t>(), where + ".vocab");
}

}  // namespace

Result<void> set_pieces(T5Files& files, const std::vector<Piece>& pieces, std::size_t unknown_id,
                        const std::string& where) {
  const auto find = [&](std::string_view text) -> Result<std::int64_t> {
    for (std::size_t id = 0; id < pieces.size(); ++id) {
      if (pieces[id].text == text) {
        return static_cast<std::int64_t>(id);
      }
    }
    return fail(Errc::invalid_input, where + ": no \"" + std::string(text) + "\"");
  };
  LODE_TRY(files.end_id, find("</s>"));
  LODE_TRY(files.pad_id, find("<pad>"));
  LODE_TRY(files.model, Unigram::build(pieces, unknown_id, where));
  return {};
}

Result<T5Files> parse_tokenizer_json(std::string_view text, const std::string& name) {
  LODE_TRY(const json document, parse_named_json(text, name));
  T5Files files;
  LODE_CHECK(read_normaliser(files, document, name));
  LODE_CHECK(read_pre_tokeniser(files, document, name));
  LODE_CHECK(read_model(files, document, name));
  return files;
}

Result<T5Files> read_t5_files(const std::filesystem::path& folder) {
  if (const auto path = folder / "tokenizer.json"; std::filesystem::exists(path)) {
    LODE_TRY(const std::string text, read_text(path));
    return parse_tokenizer_json(text, path.string());
  }
  const auto path = folder / "spiece.model";
  if (!std::filesystem::exists(path)) {
    return fail(Errc::not_found, folder.string() + ": neither tokenizer.json nor spiece.model");
  }
  LODE_TRY(const Bytes bytes, read_file(path, kMaxVocabularyBytes));
  return parse_sentencepiece(bytes, path.string());
}

}  // namespace lode::tokenize
