// The schedule of FLUX: Euler steps along a straight flow from noise to picture.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "base/result.h"

namespace lode::models {

/// scheduler_config.json of a FlowMatchEulerDiscreteScheduler.
struct FlowMatchConfig {
  std::int64_t train_timesteps = 1000;
  double shift = 1;               ///< of every sigma; 1 leaves them alone
  bool dynamic_shifting = false;  ///< by the picture's size instead of `shift`
  // How much to shift dynamically, linear in the number of packed latents.
  double base_shift = 0.5;
  double max_shift = 1.15;
  std::int64_t base_length = 256;
  std::int64_t max_length = 4096;
};

/// Errc::unsupported for other classes and for Karras', exponential, beta, inverted, stretched or
/// stochastic sigmas; errors name the field.
Result<FlowMatchConfig> parse_flow_match_config(const nlohmann::ordered_json& json);

/// Most steps of a schedule; a step is seconds of work, and schnell is made for 4.
inline constexpr int kMaxSteps = 200;

/// Where each step stands, computed in float32 as the reference does.
struct FlowMatchSchedule {
  std::vector<float> sigmas;     ///< steps + 1 values, from 1 (pure noise) to 0
  std::vector<float> timesteps;  ///< steps values: sigma times train_timesteps
};

/// `steps` from 1 to kMaxSteps (asserted). `length`: packed latents of a picture, height / 16 times
/// width / 16; looked at for dynamic shifting alone.
FlowMatchSchedule flow_match_schedule(const FlowMatchConfig& config, int steps,
                                      std::int64_t length);

/// One Euler step: `latents` moved along `velocity` from sigmas[step] to the next; any shape. The
/// sum is taken in float32 and rounded to velocity's type.
at::Tensor flow_match_step(const FlowMatchSchedule& schedule, int step, const at::Tensor& latents,
                           const at::Tensor& velocity);

}  // namespace lode::models
