// How FLUX is to run, from the flags that every command with networks has.
#pragma once

#include <string>

#include "flux/options.h"
#include "lode_worker/network_flags.h"

namespace lode::commands {

/// `weights`: "native", "int8" or "fp8"; the flags' type is one of "auto", "f32" and "bf16".
flux::FluxOptions flux_options(const NetworkFlags& flags, const std::string& weights);

}  // namespace lode::commands
