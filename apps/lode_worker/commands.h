// The subcommands of lode-worker.
#pragma once

#include "cli/cli.h"

namespace lode::commands {

void add_lift(CLI::App& app, cli::Action& chosen);
void add_image(CLI::App& app, cli::Action& chosen);
void add_models(CLI::App& app, cli::Action& chosen);
void add_cutout(CLI::App& app, cli::Action& chosen);
void add_score(CLI::App& app, cli::Action& chosen);
void add_serve(CLI::App& app, cli::Action& chosen);

}  // namespace lode::commands
