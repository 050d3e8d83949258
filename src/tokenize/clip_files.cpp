// Reads a CLIP tokenizer's vocabulary in any of the three forms that folders have it in.
#include "tokenize/clip_files_internal.h"
#include "tokenize/json_internal.h"

namespace lode::tokenize {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Merges that CLIP's tokenizers read: 49152 symbols less those of the bytes and the specials.
constexpr std::size_t kMaxMerges = 49152 - 256 - 2;

Result<void> add_merge(PairTable& table, std::string_view merge) {
  const std::size_t space = merge.find(' ');
  if (space == std::string_view::npos || space == 0 || space + 1 == merge.size() ||
      merge.find(' ', space + 1) != std::string_view::npos) {
    return fail(Errc::invalid_input, table.merges_from + " merge " +
                                         std::to_string(table.merges.size() + 1) +
                                         ": not two symbols with a space between");
  }
  table.merges.emplace_back(merge.substr(0, space), merge.substr(space + 1));
  return {};
}

/// Ids are the numbers from 0 on, each once.
Result<void> read_ids(PairTable& table, const json& vocabulary) {
  if (!vocabulary.is_object()) {
    return fail(Errc::invalid_input, table.ids_from + ": not an object of symbols and ids");
  }
  if (vocabulary.size() > kMaxVocabularyEntries) {
    return fail(Errc::limit_exceeded, table.ids_from + ": more than " +
                                          std::to_string(kMaxVocabularyEntries) + " symbols");
  }
  std::vector<const std::string*> symbols(vocabulary.size());
  for (const auto& [symbol, value] : vocabulary.get_ref<const json::object_t&>()) {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() >= vocabulary.size()) {
      return fail(Errc::invalid_input, table.ids_from + ": the id of \"" + symbol +
                                           "\" is not one of 0 to " +
                                           std::to_string(vocabulary.size() - 1));
    }
    const auto id = value.get<std::size_t>();
    if (symbols[id] != nullptr) {
      return fail(Errc::invalid_input, table.ids_from + ": id " + std::to_string(id) + " of \"" +
                                           symbol + "\" is another symbol's, too");
    }
    symbols[id] = &symbol;
  }
  // In the order of the ids, which is that of the merges: their parts then lie close in memory.
  table.ids.reserve(symbols.size());
  for (std::size_t id = 0; id < symbols.size(); ++id) {
    table.ids.emplace(*symbols[id], static_cast<std::int64_t>(id));
  }
  return {};
}

void take_names(SpecialNames& names, const json& from) {
  names.start = token_text(find_member(from, "bos_token")).value_or(names.start);
  names.end = token_text(find_member(from, "eos_token")).value_or(names.end);
  names.pad = token_text(find_member(from, "pad_token")).value_or(names.pad);
}

/// transformers lets special_tokens_map.json override the configuration of older folders, those
/// without `added_tokens_decoder` (`_from_pretrained` of tokenization_utils_base.py).
Result<SpecialNames> read_special_names(const fs::path& folder) {
  SpecialNames names;
  bool is_complete = false;
  if (const fs::path path = folder / "tokenizer_config.json"; fs::exists(path)) {
    LODE_TRY(const json config, read_json(path));
    take_names(names, config);
    is_complete = find_member(config, "added_tokens_decoder") != nullptr;
  }
  if (const fs::path path = folder / "special_tokens_map.json"; !is_complete && fs::exists(path)) {
    LODE_TRY(const json map, read_json(path));
    take_names(names, map);
  }
  return names;
}

Result<std::int64_t> special_id(const PairTable& table, const std::string& name,
                                const std::string& role) {
  const auto found = table.ids.find(name);
  if (found == table.ids.end()) {
    return fail(Errc::invalid_input,
                table.ids_from + ": no \"" + name + "\", the " + role + " token");
  }
  return found->second;
}

Result<PairTable> read_table(const fs::path& folder, const SpecialNames& names) {
  if (const fs::path merges = folder / "merges.txt"; fs::exists(merges)) {
    LODE_TRY(const std::string text, read_text(merges));
    LODE_TRY(PairTable table, parse_merges(text, merges.string()));
    const fs::path vocabulary = folder / "vocab.json";
    if (!fs::exists(vocabulary)) {
      LODE_CHECK(derive_ids(table, names));
      return table;
    }
    LODE_TRY(const json ids, read_json(vocabulary));
    table.ids_from = vocabulary.string();
    LODE_CHECK(read_ids(table, ids));
    return table;
  }
  const fs::path path = folder / "tokenizer.json";
  if (!fs::exists(path)) {
    return fail(Errc::not_found, folder.string() + ": neither merges.txt nor tokenizer.json");
  }
  LODE_TRY(const std::string text, read_text(path));
  return parse_pair_json(text, path.string());
}

}  // namespace

Result<PairTable> parse_merges(std::string_view text, const std::string& name) {
  PairTable table;
  table.merges_from = name;
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  const std::size_t end = last == std::string::npos ? 0 : last + 1;
  std::size_t at = std::min(text.find('\n'), end);
  while (at < end && table.merges.size() < kMaxMerges) {
    const std::size_t stop = std::min(text.find('\n', at + 1), end);
    std::string_view line = text.substr(at + 1, stop - at - 1);
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    LODE_CHECK(add_merge(table, line));
    at = stop;
  }
  return table;
}

Result<void> derive_ids(PairTable& table, const SpecialNames& names) {
  table.ids_from = table.merges_from;
  std::vector<std::string> symbols;
  symbols.reserve(514 + table.merges.size());
  for (const std::string_view end : {std::string_view(), kWordEnd}) {
    for (const std::uint8_t byte : byte_symbols().order) {
      symbols.push_back(byte_symbols().symbol[byte] + std::string(end));
    }
  }
  for (const auto& [left, right] : table.merges) {
    symbols.push_back(left + right);
  }
  symbols.push_back(names.start);
  symbols.push_back(names.end);
  table.ids.reserve(symbols.size());
  for (std::size_t id = 0; id < symbols.size(); ++id) {
    if (!table.ids.emplace(symbols[id], static_cast<std::int64_t>(id)).second) {
      return fail(Errc::invalid_input,
                  table.merges_from + ": \"" + symbols[id] + "\" is made by two merges");
    }
  }
  return {};
}

Result<PairTable> parse_pair_json(std::string_view text, const std::string& name) {
  LODE_TRY(const json document, parse_named_json(text, name));
  LODE_TRY(const json* const model, member(document, "model", name));
  const std::string where = name + " model";
  LODE_TRY(const std::string type, text_member(*model, "type", where));
  if (type != "BPE") {
    return fail(Errc::unsupported, where + ": type is \"" + type + "\", not \"BPE\"");
  }
  PairTable table;
  LODE_TRY(const json* const vocabulary, member(*model, "vocab", where));
  table.ids_from = where + ".vocab";
  LODE_CHECK(read_ids(table, *vocabulary));
  LODE_TRY(const json* const merges, member(*model, "merges", where));
  table.merges_from = where + ".merges";
  if (!merges->is_array() || merges->size() > kMaxVocabularyEntries) {
    return fail(Errc::invalid_input, table.merges_from + ": not a list of at most " +
                                         std::to_string(kMaxVocabularyEntries) + " merges");
  }
  for (const json& merge : *merges) {
    const bool is_pair =
        merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string();
    if (is_pair) {  // the form since tokenizers 0.20
      table.merges.emplace_back(merge[0].get<std::string>(), merge[1].get<std::string>());
    } else {
      LODE_CHECK(add_merge(table, merge.is_string() ? merge.get<std::string>() : std::string()));
    }
  }
  return table;
}

Result<ClipFiles> make_clip_files(const PairTable& table, const SpecialNames& names) {
  ClipFiles files;
  LODE_TRY(files.pairs, BytePairs::build(table));
  LODE_TRY(files.start_id, special_id(table, names.start, "start"));
  LODE_TRY(files.end_id, special_id(table, names.end, "end"));
  LODE_TRY(files.pad_id, special_id(table, names.pad, "pad"));
  files.size = table.ids.size();
  return files;
}

Result<ClipFiles> read_clip_files(const fs::path& folder) {
  LODE_TRY(const SpecialNames names, read_special_names(folder));
  LODE_TRY(const PairTable table, read_table(folder, names));
  return make_clip_files(table, names);
}

}  // namespace lode::tokenize
