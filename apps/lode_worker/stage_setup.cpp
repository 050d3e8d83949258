#include "lode_worker/stage_setup.h"

#include <algorithm>

#include "base/duration.h"

namespace lode::commands {
namespace {

std::string decided(const std::string& wanted, bool has_model, const char* network,
                    const char* otherwise) {
  const bool is_left_open = wanted.empty() || wanted == "auto";
  return !is_left_open ? wanted : has_model ? network : otherwise;
}

}  // namespace

pipeline::StageRegistry stage_registry(const WorkerSettings& settings) {
  pipeline::StageRegistry registry = pipeline::weightless_stages();
  add_neural_stages(registry, settings);
  return registry;
}

pipeline::StageChoice stage_choice(const WorkerSettings& settings) {
  pipeline::StageChoice choice;
  choice.painter = decided(settings.painter, !settings.painter_model.empty(), "flux", "sketch");
  choice.cutter = decided(settings.cutter, !settings.cutter_model.empty(), "birefnet", "grabcut");
  // Views were nearer to the truth in the same time (src/dream/README.md); who names a preset of
  // score distillation wants that.
  choice.lifter = decided(settings.lifter, !settings.lifter_model.empty(),
                          settings.lifter_preset.empty() ? "views" : "dream", "sketch");
  choice.text_lifter = settings.text_lifter;
  choice.critic = decided(settings.critic, settings.judge.has_weights(), "engine", "likeness");
  return choice;
}

bool runs_networks(const pipeline::StageChoice& choice) {
  constexpr std::string_view kNetworks[] = {"flux",  "birefnet", "dream",           "mvdream",
                                            "views", "engine",   "stable-diffusion"};
  return std::ranges::any_of(kNetworks, [&](std::string_view network) {
    return choice.painter == network || choice.cutter == network || choice.lifter == network ||
           choice.text_lifter == network || choice.critic == network;
  });
}

Result<double> read_budget(const std::string& text) {
  if (text.empty()) {
    return 0.0;
  }
  const auto duration = parse_duration(text);
  if (!duration || *duration <= Duration::zero()) {
    return fail(Errc::invalid_input,
                "lifter_budget " + text + ": a duration was expected, such as 20s or 1m30s");
  }
  return to_seconds(*duration);
}

pipeline::ChainOptions chain_options(const WorkerSettings& settings) {
  pipeline::ChainOptions options;
  options.most_paintings = settings.most_paintings;
  options.elevation_deg = static_cast<float>(settings.lifter_elevation);
  return options;
}

std::shared_ptr<pipeline::StageKeeper> make_keeper(const WorkerSettings& settings) {
  return std::make_shared<pipeline::StageKeeper>(settings.judge.network.memory_budget());
}

}  // namespace lode::commands
