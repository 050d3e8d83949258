// What needs networks, in a build without libtorch: it says so.
#include <CLI/CLI.hpp>

#include "lode_worker/commands.h"
#include "lode_worker/cutout_network.h"
#include "lode_worker/judge_flags.h"

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

Result<std::unique_ptr<pipeline::Critic>> open_judge(const JudgeFlags& flags) {
  if (!flags.has_weights()) {
    return pipeline::make_likeness_critic();
  }
  return fail(Errc::unsupported, "weights were named, but this program was built without libtorch");
}

Result<std::unique_ptr<cutout::Matter>> open_network(const CutoutNetwork& network) {
  return fail(Errc::unsupported, network.folder + ": this program was built without libtorch");
}

}  // namespace lode::commands
