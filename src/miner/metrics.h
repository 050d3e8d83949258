// The miner's state as Prometheus metrics; docs/metrics.md lists them.
#pragma once

#include <string>

#include "miner/status.h"

namespace lode::miner {

/// The snapshot in Prometheus' text format, version 0.0.4. Validators are told apart by the labels
/// `uid` and `hotkey`, workers by `worker`, stages by `stage`.
std::string metrics_text(const Snapshot& snapshot);

}  // namespace lode::miner
