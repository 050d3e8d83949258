// lode: the miner daemon and its tools.
#include "lode/commands.h"
#include "lode_worker/worker_settings.h"

int main(int argc, char** argv) {
  CLI::App app("Lode, a native miner for text/image-to-3D subnets", "lode");
  lode::cli::Action chosen;
  lode::cli::Settings settings;
  // One line per delivered subcommand, in the order of --help.
  using namespace lode::commands;
  settings.is_foreign = is_worker_key;
  add_mine(app, chosen, settings);
  add_top(app, chosen);
  add_reload(app, chosen);
  add_validators(app, chosen);
  add_history(app, chosen);
  add_stats(app, chosen);
  add_export(app, chosen);
  add_replay(app, chosen);
  add_sandbox(app, chosen);
  add_demo(app, chosen);
  add_simulate(app, chosen);
  add_generate(app, chosen);
  add_info(app, chosen);
  add_check(app, chosen);
  add_convert(app, chosen);
  add_render(app, chosen);
  add_compare(app, chosen);
  add_fit(app, chosen);
  add_wallet(app, chosen);
  add_signer(app, chosen);
  add_config(app, chosen, settings);
  return lode::cli::run(app, chosen, settings, argc, argv);
}
