// The commands that need networks, in a build without libtorch: they say so.
#include "lode_worker/commands.h"

namespace lode::commands {
namespace {

void add_absent(CLI::App& app, cli::Action& chosen, const std::string& name) {
  CLI::App* command = app.add_subcommand(name, "Not in this build, which has no libtorch");
  command->prefix_command();
  command->callback([name, &chosen] {
    chosen = [name] {
      return cli::report(
          fail(Errc::unsupported, name + ": this program was built without libtorch"));
    };
  });
}

}  // namespace

void add_image(CLI::App& app, cli::Action& chosen) { add_absent(app, chosen, "image"); }
void add_models(CLI::App& app, cli::Action& chosen) { add_absent(app, chosen, "models"); }

}  // namespace lode::commands
