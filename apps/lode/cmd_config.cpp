// lode config: the settings in effect and where each came from.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/redact.h"
#include "lode/commands.h"
#include "lode/mine_options.h"

namespace lode::commands {
namespace {

struct ConfigOptions {
  MineOptions mine;
  bool json = false;
};

/// A value as text in its type's JSON form: numbers and booleans bare.
nlohmann::json typed(const CLI::Option& option, const std::string& text) {
  const std::string type = option.get_type_name();
  const bool is_bare = option.get_items_expected_max() == 0 || type.starts_with("INT") ||
                       type.starts_with("UINT") || type.starts_with("FLOAT");
  if (is_bare && nlohmann::json::accept(text)) {
    return nlohmann::json::parse(text);
  }
  return redact_url(text);
}

nlohmann::json value_of(const CLI::Option& option) {
  if (option.get_items_expected_max() > 1) {
    nlohmann::json list = nlohmann::json::array();
    for (const std::string& text : option.results()) {
      list.push_back(typed(option, text));
    }
    return list;
  }
  const bool is_flag = option.get_items_expected_max() == 0;
  const std::string text = option.count() > 0 ? option.results().back()
                           : is_flag          ? "false"
                                              : option.get_default_str();
  return typed(option, text);
}

int config(const cli::Settings& settings, bool as_json) {
  nlohmann::json object = nlohmann::json::object();
  for (const cli::Settings::Entry& entry : settings.entries()) {
    const nlohmann::json value = value_of(*entry.option);
    object[entry.key] = {{"value", value}, {"origin", entry.origin}};
    if (!as_json) {
      const std::string text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
      std::printf("%-34s %-34s %s\n", entry.key.c_str(), text.c_str(), entry.origin.c_str());
    }
  }
  if (as_json) {
    cli::print_json(object);
  }
  return cli::kDone;
}

}  // namespace

void add_config(CLI::App& app, cli::Action& chosen, const cli::Settings& settings) {
  auto options = std::make_shared<ConfigOptions>();
  CLI::App* command = app.add_subcommand(
      "config", "Show the settings of lode mine in effect and where each came from");
  command->add_flag("--json", options->json, "Print one JSON object");
  add_mine_options(*command, options->mine);
  command->configurable();
  command->callback([options, &chosen, &settings] {
    chosen = [options, &settings] { return config(settings, options->json); };
  });
}

}  // namespace lode::commands
