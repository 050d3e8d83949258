// The numbers a validator runs by, and their scaling for runs in quick motion.
#pragma once

#include <chrono>
#include <cstdint>

namespace lode::sandbox {

/// Last version whose tasks have no type and whose submissions are matched by the task itself.
inline constexpr int kLastVersionWithoutTypes = 44;

/// A validator's configuration. Defaults are the command line defaults of 404-Repo's
/// three-gen-subnet v45 (neurons/validator/config.py).
struct Rules {
  using seconds = std::chrono::seconds;

  seconds throttle_period{30};    ///< generation time that costs no cooldown
  seconds task_cooldown{300};     ///< from one task to the next
  seconds violation_penalty{10};  ///< added per early pull above the threshold
  std::int64_t violation_threshold = 100;
  seconds cooldown_penalty{600};        ///< added for low scores and wrong signatures
  double quality_threshold = 0.6;       ///< least score that is accepted
  double fidelity_alpha = 0.05;         ///< weight of a new score in the moving average
  seconds validation_lock{30};          ///< from the start of one scoring to the next
  seconds unregistered_cooldown{3600};  ///< advice to unknown hotkeys
  seconds observation_window{14400};    ///< how long an accepted result counts
  seconds metagraph_sync{600};          ///< between looks at who is registered
  int version = 45;                     ///< see kLastVersionWithoutTypes
};

/// The same rules with every duration divided by `time_scale` (at least 1), rounded to the whole
/// seconds that the wire can carry, and at least one second.
Rules scaled(const Rules& rules, double time_scale);

}  // namespace lode::sandbox
