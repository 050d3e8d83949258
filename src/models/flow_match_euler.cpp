#include "models/flow_match_euler.h"

#include <ATen/TensorOperators.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/assert.h"
#include "models/config_internal.h"

namespace lode::models {

namespace {

// numpy.linspace(1, 1 / steps, steps) in double, then rounded to float.
std::vector<float> even_sigmas(int steps) {
  std::vector<float> sigmas(static_cast<std::size_t>(steps), 1.0F);
  const double last = 1.0 / steps;
  const double stride = steps > 1 ? (last - 1.0) / (steps - 1) : 0;
  for (int i = 1; i < steps; ++i) {
    sigmas[i] = static_cast<float>(i + 1 == steps ? last : i * stride + 1.0);
  }
  return sigmas;
}

// pipeline_flux.py, calculate_shift.
double dynamic_mu(const FlowMatchConfig& config, std::int64_t length) {
  const double slope = (config.max_shift - config.base_shift) /
                       static_cast<double>(config.max_length - config.base_length);
  const double offset = config.base_shift - slope * static_cast<double>(config.base_length);
  return static_cast<double>(length) * slope + offset;
}

}  // namespace

Result<FlowMatchConfig> parse_flow_match_config(const nlohmann::ordered_json& json) {
  // Shifts beyond these would put every sigma at 0 or 1.
  constexpr double kLeastShift = 1e-3;
  constexpr double kMostShift = 1e3;
  constexpr double kMostExponent = 20;
  ConfigReader read(json);
  FlowMatchConfig config;
  read.expect_class("FlowMatchEulerDiscreteScheduler");
  config.train_timesteps = read.integer_or("num_train_timesteps", {1, 1'000'000}, 1000);
  config.shift = read.number_or("shift", kLeastShift, kMostShift, 1.0);
  config.dynamic_shifting = read.flag_or("use_dynamic_shifting", false);
  config.base_shift = read.number_or("base_shift", -kMostExponent, kMostExponent, 0.5);
  config.max_shift = read.number_or("max_shift", -kMostExponent, kMostExponent, 1.15);
  config.base_length = read.integer_or("base_image_seq_len", {1, 1 << 20}, 256);
  config.max_length = read.integer_or("max_image_seq_len", {1, 1 << 20}, 4096);
  read.require(config.max_length > config.base_length, "max_image_seq_len",
               "has to exceed base_image_seq_len");
  for (const char* field : {"use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas",
                            "invert_sigmas", "stochastic_sampling"}) {
    read.support(!read.flag_or(field, false), field, "true is not known here");
  }
  read.support(read.number_or("shift_terminal", 0, 1, 0) == 0, "shift_terminal",
               "is not known here, null expected");
  read.choice_or("time_shift_type", {"exponential"}, "exponential");
  LODE_CHECK(read.result());
  return config;
}

FlowMatchSchedule flow_match_schedule(const FlowMatchConfig& config, int steps,
                                      std::int64_t length) {
  LODE_ASSERT(steps >= 1 && steps <= kMaxSteps, "a schedule of no or too many steps");
  FlowMatchSchedule schedule;
  schedule.sigmas = even_sigmas(steps);
  const auto shift = static_cast<float>(config.shift);
  const auto shift_less_one = static_cast<float>(config.shift - 1.0);
  const auto weight = static_cast<float>(std::exp(dynamic_mu(config, length)));
  for (float& sigma : schedule.sigmas) {
    sigma = config.dynamic_shifting ? weight / (weight + (1.0F / sigma - 1.0F))
                                    : shift * sigma / (1.0F + shift_less_one * sigma);
    schedule.timesteps.push_back(sigma * static_cast<float>(config.train_timesteps));
  }
  schedule.sigmas.push_back(0.0F);
  return schedule;
}

at::Tensor flow_match_step(const FlowMatchSchedule& schedule, int step, const at::Tensor& latents,
                           const at::Tensor& velocity) {
  LODE_ASSERT(step >= 0 && step < static_cast<int>(schedule.timesteps.size()),
              "a step outside its schedule");
  const float stride = schedule.sigmas[step + 1] - schedule.sigmas[step];
  return (latents.to(at::kFloat) + velocity * stride).to(velocity.scalar_type());
}

}  // namespace lode::models
