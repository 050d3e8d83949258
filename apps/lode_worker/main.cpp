// lode-worker: the generation and validation service.
#include "lode_worker/blas_kernel.h"
#include "lode_worker/commands.h"
#include "lode_worker/worker_settings.h"

int main(int argc, char** argv) {
  lode::worker::relaunch_with_better_blas_core(argv);
  CLI::App app("Lode's generation and validation service", "lode-worker");
  lode::cli::Action chosen;
  lode::commands::add_serve(app, chosen);
  lode::commands::add_lift(app, chosen);
  lode::commands::add_image(app, chosen);
  lode::commands::add_models(app, chosen);
  lode::commands::add_cutout(app, chosen);
  lode::commands::add_score(app, chosen);
  lode::cli::Settings settings;
  settings.is_foreign = lode::commands::is_miner_key;
  return lode::cli::run(app, chosen, settings, argc, argv);
}
