#include "sandbox/rules.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"

namespace lode::sandbox {

Rules scaled(const Rules& rules, double time_scale) {
  LODE_ASSERT(time_scale >= 1, "time can only be sped up");
  Rules result = rules;
  for (auto* duration :
       {&result.throttle_period, &result.task_cooldown, &result.violation_penalty,
        &result.cooldown_penalty, &result.validation_lock, &result.unregistered_cooldown,
        &result.observation_window, &result.metagraph_sync}) {
    const auto whole = std::llround(static_cast<double>(duration->count()) / time_scale);
    *duration = std::chrono::seconds(std::max<long long>(1, whole));
  }
  return result;
}

}  // namespace lode::sandbox
