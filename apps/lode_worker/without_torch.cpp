// What needs networks, in a build without libtorch: it says so.
#include <CLI/CLI.hpp>

#include "lode_worker/commands.h"
#include "lode_worker/cutout_network.h"
#include "lode_worker/stage_setup.h"

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

void add_neural_stages(pipeline::StageRegistry& registry, const WorkerSettings&) {
  const auto refuse = [] {
    return fail(Errc::unsupported, "this program was built without libtorch");
  };
  registry.painters.add("flux",
                        [refuse] { return Result<std::unique_ptr<pipeline::Painter>>(refuse()); });
  registry.cutters.add("birefnet",
                       [refuse] { return Result<std::unique_ptr<pipeline::Cutter>>(refuse()); });
  for (const char* name : {"dream", "mvdream", "stable-diffusion", "views"}) {
    registry.lifters.add(name,
                         [refuse] { return Result<std::unique_ptr<pipeline::Lifter>>(refuse()); });
  }
  registry.critics.add("engine",
                       [refuse] { return Result<std::unique_ptr<pipeline::Critic>>(refuse()); });
}

void set_up_linear_algebra(const NetworkFlags&) {}

Result<std::unique_ptr<cutout::Matter>> open_network(const CutoutNetwork& network) {
  return fail(Errc::unsupported, network.folder + ": this program was built without libtorch");
}

}  // namespace lode::commands
