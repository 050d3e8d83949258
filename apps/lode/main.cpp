// lode: the miner daemon and its tools.
#include "lode/commands.h"

int main(int argc, char** argv) {
  CLI::App app("Lode, a native miner for text/image-to-3D subnets", "lode");
  lode::cli::Action chosen;
  // One line per delivered subcommand, in the order of --help.
  using namespace lode::commands;
  add_wallet(app, chosen);
  add_sandbox(app, chosen);
  return lode::cli::run(app, chosen, argc, argv);
}
