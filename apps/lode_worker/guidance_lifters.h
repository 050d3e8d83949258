// The lifters that diffusion models guide.
#pragma once

#include "lode_worker/worker_settings.h"
#include "pipeline/registry.h"

namespace lode::commands {

/// Adds "dream", "mvdream", "stable-diffusion" and "views".
void add_guidance_lifters(pipeline::StageRegistry& registry, const WorkerSettings& settings);

}  // namespace lode::commands
