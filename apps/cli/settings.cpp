#include "cli/settings.h"

#include <toml++/toml.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <optional>

#include "base/file.h"
#include "base/nearest_word.h"

namespace lode::cli {
namespace {

std::optional<std::string> scalar_text(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) {
    return *text;
  }
  if (const auto number = node.value_exact<std::int64_t>()) {
    return std::to_string(*number);
  }
  if (const auto truth = node.value_exact<bool>()) {
    return *truth ? "true" : "false";
  }
  if (const auto real = node.value_exact<double>()) {
    std::array<char, 32> text{};  // the longest shortest form has 24
    const auto end = std::to_chars(text.data(), text.data() + text.size(), *real).ptr;
    return std::string(text.data(), end);
  }
  return std::nullopt;
}

/// The texts of a value or of an array of values; nothing for anything else.
std::optional<std::vector<std::string>> texts_of(const toml::node& node) {
  std::vector<std::string> values;
  const auto* array = node.as_array();
  if (array == nullptr) {
    auto text = scalar_text(node);
    if (!text) {
      return std::nullopt;
    }
    values.push_back(*std::move(text));
    return values;
  }
  for (const toml::node& item : *array) {
    auto text = scalar_text(item);
    if (!text) {
      return std::nullopt;
    }
    values.push_back(*std::move(text));
  }
  return values;
}

struct FileReader {
  const std::string& file;
  const std::vector<std::string>& known;
  const std::function<bool(std::string_view)>& is_foreign;
  std::map<std::string, FileValue> found;

  Error error_at(const toml::node& node, const std::string& problem) const {
    return fail(Errc::invalid_input,
                file + " line " + std::to_string(node.source().begin.line) + ": " + problem);
  }

  Result<void> read(const toml::table& table, const std::string& prefix) {
    for (const auto& [name, node] : table) {
      const std::string key = prefix + std::string(name.str());
      if (const auto* inner = node.as_table()) {
        LODE_CHECK(read(*inner, key + "."));
        continue;
      }
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        if (is_foreign && is_foreign(key)) {
          continue;
        }
        return error_at(
            node, "unknown key " + key + "; the nearest known one is " + nearest_word(key, known));
      }
      auto values = texts_of(node);
      if (!values) {
        return error_at(
            node, key + ": a text, a number, true or false, or an array of them was expected");
      }
      found[key] = FileValue{*std::move(values), node.source().begin.line};
    }
    return {};
  }
};

/// The key of an option, or nothing where it is no setting.
std::optional<std::string> key_of(const CLI::Option& option) {
  const auto& names = option.get_lnames();
  if (names.empty() || !option.get_configurable() || names[0] == "help" || names[0] == "config" ||
      names[0] == "json") {
    return std::nullopt;
  }
  return names[0];
}

void collect_keys(const CLI::App& app, std::vector<std::string>& keys) {
  if (app.get_parent() == nullptr || app.get_configurable()) {
    for (const CLI::Option* option : app.get_options()) {
      if (const auto key = key_of(*option)) {
        keys.push_back(*key);
      }
    }
  }
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    collect_keys(*command, keys);
  }
}

struct Found {
  std::vector<std::string> values;
  std::string origin;
};

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (;;) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    if (end == text.size()) {
      return parts;
    }
    begin = end + 1;
  }
}

std::optional<Found> find_in_environment(const CLI::Option& option, const std::string& key,
                                         const Settings::Environment& environment) {
  std::vector<std::string> names = {environment_name(key)};
  if (key.starts_with("wallet.") || key.starts_with("subtensor.")) {
    names.push_back("BT_" + names[0].substr(5));
  }
  for (const std::string& name : names) {
    if (const char* text = environment(name.c_str()); text != nullptr && *text != '\0') {
      const bool is_list = option.get_items_expected_max() > 1;
      return Found{is_list ? split_at_commas(text) : std::vector<std::string>{text},
                   "environment " + name};
    }
  }
  return std::nullopt;
}

Result<void> give(CLI::Option& option, const std::string& key, const Found& found) {
  if (found.values.size() > 1 && option.get_items_expected_max() <= 1) {
    return fail(Errc::invalid_input, found.origin + ": " + key + ": one value was expected");
  }
  if (found.values.empty()) {
    return {};
  }
  try {
    for (const std::string& value : found.values) {
      option.add_result(value);
    }
    option.run_callback();
  } catch (const CLI::ParseError& error) {
    return fail(Errc::invalid_input, found.origin + ": " + error.what());
  }
  return {};
}

/// The configuration file in effect; empty for none.
std::filesystem::path config_file(const std::filesystem::path& flag,
                                  const Settings::Environment& environment) {
  if (!flag.empty()) {
    return flag == "none" ? "" : flag;
  }
  if (const char* name = environment("LODE_CONFIG"); name != nullptr && *name != '\0') {
    return name;
  }
  std::error_code ignored;
  return std::filesystem::exists("lode.toml", ignored) ? "lode.toml" : "";
}

/// The program and the commands that the command line chose, outermost first.
std::vector<CLI::App*> chosen_apps(CLI::App& app) {
  std::vector<CLI::App*> apps = {&app};
  for (CLI::App* command : app.get_subcommands()) {
    for (CLI::App* chosen : chosen_apps(*command)) {
      apps.push_back(chosen);
    }
  }
  return apps;
}

}  // namespace

Result<std::map<std::string, FileValue>> parse_settings(
    std::string_view text, const std::string& file, const std::vector<std::string>& known,
    const std::function<bool(std::string_view)>& is_foreign) {
  toml::table document;
  try {
    document = toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    return fail(Errc::invalid_input, file + " line " + std::to_string(error.source().begin.line) +
                                         ": " + std::string(error.description()));
  }
  FileReader reader{file, known, is_foreign, {}};
  LODE_CHECK(reader.read(document, ""));
  return std::move(reader.found);
}

std::string environment_name(std::string_view key) {
  std::string name = "LODE_";
  for (const char c : key) {
    const auto byte = static_cast<unsigned char>(c);
    name += std::isalnum(byte) != 0 ? static_cast<char>(std::toupper(byte)) : '_';
  }
  return name;
}

Result<void> Settings::apply(CLI::App& app, const std::filesystem::path& config_flag,
                             const Environment& environment) {
  const std::filesystem::path file = config_file(config_flag, environment);
  file_ = file;
  std::map<std::string, FileValue> in_file;
  const std::vector<CLI::App*> apps = chosen_apps(app);
  const bool is_configurable = std::any_of(
      apps.begin(), apps.end(), [](const CLI::App* chosen) { return chosen->get_configurable(); });
  if (!file.empty() && is_configurable) {
    std::vector<std::string> known;
    collect_keys(app, known);
    LODE_TRY(const Bytes text, read_file(file, kMaxConfigBytes));
    LODE_TRY(in_file, parse_settings(as_text(text), file.string(), known, is_foreign));
  }
  for (CLI::App* chosen : apps) {
    if (chosen != &app && !chosen->get_configurable()) {
      continue;
    }
    for (CLI::Option* option : chosen->get_options([](const CLI::Option*) { return true; })) {
      const auto key = key_of(*option);
      if (!key) {
        continue;
      }
      std::string origin = option->count() > 0 ? "flag" : "default";
      if (option->count() == 0) {
        auto found = find_in_environment(*option, *key, environment);
        if (const auto line = in_file.find(*key); !found && line != in_file.end()) {
          found = Found{line->second.values,
                        file.string() + " line " + std::to_string(line->second.line)};
        }
        if (found) {
          LODE_CHECK(give(*option, *key, *found));
          origin = found->origin;
        }
      }
      entries_.push_back({option, *key, origin});
    }
  }
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return a.key < b.key; });
  return {};
}

}  // namespace lode::cli
