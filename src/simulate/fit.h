// A simulation's parameters from what a miner's journal recorded.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "miner/event.h"

namespace lode::simulate {

/// Fewer observations than this say nothing.
inline constexpr std::int64_t kMinSamples = 8;

/// One parameter by the name of its flag, without dashes.
struct FittedValue {
  std::string name;
  double value = 0;
  std::int64_t samples = 0;  ///< observations behind it
};

/// What `events` (oldest first) tell with at least kMinSamples observations each:
/// - pull-seconds, submit-seconds: medians from intent to reply; latency-spread of submissions
/// - generation-seconds, spread: lognormal, from intent to candidate; generation-failures
/// - fault-pulls, fault-submits, fault-replies: a failed submission counts as a lost reply when
///   its task turned out to be done
/// - reject-rate, scorer-recall: candidates that our scorer or a validator found below the
/// threshold
/// - score-mean, score-spread: accepted results; scorer-error: our score against the validator's
std::vector<FittedValue> fit_events(const std::vector<miner::Event>& events);

}  // namespace lode::simulate
