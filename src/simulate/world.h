// Virtual time: rule-exact validators, workers and a faulty network around one policy.
#pragma once

#include "simulate/config.h"
#include "simulate/outcome.h"
#include "simulate/policy.h"

namespace lode::simulate {

/// Runs `policy` through warm-up and measured hours. The same configuration gives the same outcome.
/// `config` is valid.
Outcome run(const Config& config, Policy& policy);

/// A policy by its kind.
Outcome run(const Config& config, PolicyKind kind);

}  // namespace lode::simulate
