// The subcommands of lode: each adds its flags to `app` and, when chosen, sets what to run.
#pragma once

#include "cli/cli.h"

namespace lode::commands {

void add_info(CLI::App& app, cli::Action& chosen);
void add_check(CLI::App& app, cli::Action& chosen);
void add_convert(CLI::App& app, cli::Action& chosen);
void add_render(CLI::App& app, cli::Action& chosen);
void add_compare(CLI::App& app, cli::Action& chosen);
void add_fit(CLI::App& app, cli::Action& chosen);
void add_generate(CLI::App& app, cli::Action& chosen);
void add_wallet(CLI::App& app, cli::Action& chosen);
void add_sandbox(CLI::App& app, cli::Action& chosen);
void add_mine(CLI::App& app, cli::Action& chosen, const cli::Settings& settings);
void add_top(CLI::App& app, cli::Action& chosen);
void add_reload(CLI::App& app, cli::Action& chosen);
void add_validators(CLI::App& app, cli::Action& chosen);
void add_history(CLI::App& app, cli::Action& chosen);
void add_stats(CLI::App& app, cli::Action& chosen);
void add_export(CLI::App& app, cli::Action& chosen);
void add_replay(CLI::App& app, cli::Action& chosen);
void add_demo(CLI::App& app, cli::Action& chosen);
void add_simulate(CLI::App& app, cli::Action& chosen);
void add_signer(CLI::App& app, cli::Action& chosen);
void add_config(CLI::App& app, cli::Action& chosen, const cli::Settings& settings);

}  // namespace lode::commands
