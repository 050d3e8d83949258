// The commands that need networks, in a build without libtorch: they say so.
#include <CLI/CLI.hpp>

#include "lode_worker/commands.h"

namespace lode::commands {
namespace {

/// Ends as a usage error before the command's own flags, which are not here either, are read.
void add_absent(CLI::App& app, const std::string& name) {
  app.add_subcommand(name, "Not in this build, which has no libtorch")
      ->preparse_callback([name](std::size_t) {
        cli::report(fail(Errc::unsupported, name + ": this program was built without libtorch"));
        throw CLI::RuntimeError(cli::kUsage);
      });
}

}  // namespace

void add_image(CLI::App& app, cli::Action&) { add_absent(app, "image"); }
void add_models(CLI::App& app, cli::Action&) { add_absent(app, "models"); }
void add_score(CLI::App& app, cli::Action&) { add_absent(app, "score"); }

}  // namespace lode::commands
