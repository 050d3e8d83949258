#include "simulate/config.h"

#include <fmt/format.h>

#include <array>

namespace lode::simulate {
namespace {

Result<void> check(std::string_view name, double value, double low, double high) {
  if (value >= low && value <= high) {
    return {};
  }
  return fail(Errc::invalid_input,
              fmt::format("{} {:g}: {:g} to {:g} was expected", name, value, low, high));
}

}  // namespace

Result<void> validate(const Config& config) {
  struct Range {
    std::string_view name;
    double value, low, high;
  };
  constexpr double kShortest = 0.01;  // hours: half a minute, so that something can be measured
  constexpr double kLongestCall = 3600;
  const std::array ranges{
      Range{"hours", config.hours, kShortest, kMaxHours},
      Range{"warm-up", config.warm_up_hours, 0, kMaxHours},
      Range{"validators", static_cast<double>(config.validators), 1, kMaxValidators},
      Range{"workers", static_cast<double>(config.workers), 1, kMaxWorkers},
      Range{"generation-failures", config.generation_failures, 0, 1},
      Range{"pull-seconds", config.pull_seconds, 0, kLongestCall},
      Range{"submit-seconds", config.submit_seconds, 0, kLongestCall},
      Range{"latency-spread", config.latency_spread, 0, 5},
      Range{"fault-pulls", config.fault_pulls, 0, 1},
      Range{"fault-submits", config.fault_submits, 0, 1},
      Range{"fault-replies", config.fault_replies, 0, 1},
      Range{"clock-offset", config.clock_offset, 0, 3600},
      Range{"reject-rate", config.quality.reject_rate, 0, 1},
      Range{"scorer-recall", config.quality.recall, 0, 1},
      Range{"scorer-false-alarms", config.quality.false_alarms, 0, 1},
      Range{"scorer-error", config.quality.error, 0, 1},
      Range{"scorer-bias", config.quality.bias, -1, 1},
      Range{"score-mean", config.quality.mean, config.rules.quality_threshold, 1},
      Range{"score-spread", config.quality.spread, 0, 1},
      Range{"pull-timeout", config.pull_timeout, 1, kLongestCall},
      Range{"submit-timeout", config.submit_timeout, 1, kLongestCall}};
  for (const Range& range : ranges) {
    LODE_CHECK(check(range.name, range.value, range.low, range.high));
  }
  return check("validators times hours", config.validators * (config.hours + config.warm_up_hours),
               0, kMaxValidatorHours);
}

BoundInput bound_input(const Config& config) {
  BoundInput input;
  input.validators = config.validators;
  input.workers = config.workers;
  input.generation = config.generation;
  input.overhead = config.pull_seconds / 2 + config.submit_seconds;
  input.cooldown = static_cast<double>(config.rules.task_cooldown.count());
  input.throttle = static_cast<double>(config.rules.throttle_period.count());
  input.penalty = static_cast<double>(config.rules.cooldown_penalty.count());
  return input;
}

}  // namespace lode::simulate
