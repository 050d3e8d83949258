// The stages of a worker as its settings name them.
#pragma once

#include <memory>

#include "base/result.h"
#include "lode_worker/worker_settings.h"
#include "pipeline/chain.h"
#include "pipeline/registry.h"

namespace lode::commands {

/// The stages that can be named, without weights and with.
pipeline::StageRegistry stage_registry(const WorkerSettings& settings);

/// Which of them are wanted: "auto" decided by what models are named.
pipeline::StageChoice stage_choice(const WorkerSettings& settings);

/// Whether one of them runs networks.
bool runs_networks(const pipeline::StageChoice& choice);

/// Adds painter "flux", cutter "birefnet", lifters "dream", "mvdream", "stable-diffusion" and
/// "views", and critic "engine". In a build without libtorch they fail with Errc::unsupported.
void add_neural_stages(pipeline::StageRegistry& registry, const WorkerSettings& settings);

/// "20s" in seconds, 0 for an empty text. Errc::invalid_input names the setting.
Result<double> read_budget(const std::string& text);

/// The options of a chain with these settings.
pipeline::ChainOptions chain_options(const WorkerSettings& settings);

/// Who lends the stages, with the budget of the settings.
std::shared_ptr<pipeline::StageKeeper> make_keeper(const WorkerSettings& settings);

}  // namespace lode::commands
