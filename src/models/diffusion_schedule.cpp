#include "models/diffusion_schedule.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "base/assert.h"
#include "models/config_internal.h"

namespace lode::models {

namespace {

using Config = DiffusionScheduleConfig;

std::vector<float> products(const Config& config) {
  const at::TensorOptions type(config.in_double ? at::kDouble : at::kFloat);
  const bool scaled = config.betas == Config::Betas::scaled_linear;
  const auto end = [&](double beta) { return scaled ? std::sqrt(beta) : beta; };
  const at::Tensor line =
      at::linspace(end(config.beta_start), end(config.beta_end), config.train_timesteps, type);
  const at::Tensor made = (1 - (scaled ? line.pow(2) : line)).cumprod(0).to(at::kFloat);
  const auto* values = made.data_ptr<float>();
  return {values, values + made.numel()};
}

/// Time steps in rising order, before they are bounded (diffusers, set_timesteps).
std::vector<std::int64_t> spaced(const Config& config, std::int64_t steps) {
  const auto all = static_cast<double>(config.train_timesteps);
  const auto count = static_cast<double>(steps);
  std::vector<std::int64_t> timesteps;
  for (std::int64_t i = 0; i < steps; ++i) {
    const auto at = static_cast<double>(i);
    switch (config.spacing) {
      case Config::Spacing::leading:
        timesteps.push_back(i * (config.train_timesteps / steps) + config.steps_offset);
        break;
      case Config::Spacing::trailing:
        // Counted from the end, as numpy.arange does; which for 7 steps of 300 returns an eighth.
        timesteps.push_back(std::llrint(std::nearbyint(all - (count - 1 - at) * (all / count))) -
                            1);
        break;
      case Config::Spacing::linspace:
        timesteps.push_back(
            steps == 1 ? 0 : std::llrint(std::nearbyint(at * ((all - 1) / (count - 1)))));
        break;
    }
  }
  return timesteps;
}

/// Values as a factor of each batch element of `like`, or of all.
at::Tensor factor(const std::vector<float>& values, const at::Tensor& like) {
  std::vector<std::int64_t> shape(static_cast<std::size_t>(like.dim()), 1);
  shape.front() = static_cast<std::int64_t>(values.size());
  return at::tensor(values).view(shape).to(like.options());
}

}  // namespace

Result<DiffusionScheduleConfig> parse_diffusion_schedule_config(
    const nlohmann::ordered_json& json) {
  // Below, 1 - beta is hardly another float32 than 1.
  constexpr double kLeastBeta = 1e-6;
  ConfigReader read(json);
  Config config;
  const std::string name =
      read.choice_or("_class_name", {"DDIMScheduler", "DDPMScheduler", "PNDMScheduler"}, "");
  read.require(!name.empty(), "_class_name", "missing");
  config.train_timesteps = read.integer_or("num_train_timesteps", {1, 1'000'000}, 1000);
  config.beta_start = read.number_or("beta_start", kLeastBeta, 0.999, 1e-4);
  config.beta_end = read.number_or("beta_end", kLeastBeta, 0.999, 0.02);
  if (read.choice_or("beta_schedule", {"linear", "scaled_linear"}, "linear") == "scaled_linear") {
    config.betas = Config::Betas::scaled_linear;
  }
  const std::string prediction =
      read.choice_or("prediction_type", {"epsilon", "v_prediction", "sample"}, "epsilon");
  config.prediction = prediction == "epsilon"        ? Config::Prediction::epsilon
                      : prediction == "v_prediction" ? Config::Prediction::v
                                                     : Config::Prediction::sample;
  config.clip_sample = read.flag_or("clip_sample", true);
  config.clip_range = read.number_or("clip_sample_range", 1e-6, 1e6, 1);
  config.set_alpha_to_one = read.flag_or("set_alpha_to_one", true);
  config.steps_offset = read.integer_or("steps_offset", {0, 1'000'000}, 0);
  const std::string spacing =
      read.choice_or("timestep_spacing", {"leading", "trailing", "linspace"}, "leading");
  config.spacing = spacing == "leading"    ? Config::Spacing::leading
                   : spacing == "trailing" ? Config::Spacing::trailing
                                           : Config::Spacing::linspace;
  read.choice_or("variance_type", {"fixed_small"}, "fixed_small");
  read.expect_absent("trained_betas");
  for (const char* field : {"thresholding", "rescale_betas_zero_snr"}) {
    read.support(!read.flag_or(field, false), field, "true is not known here");
  }
  LODE_CHECK(read.result());
  read.require(products(config).back() > 0, "beta_end",
               "betas that leave something of the picture expected");
  LODE_CHECK(read.result());
  return config;
}

DiffusionScheduleConfig ldm_schedule_config() {
  Config config;
  config.beta_start = 0.00085;
  config.beta_end = 0.012;
  config.betas = Config::Betas::scaled_linear;
  config.in_double = true;
  config.clip_sample = false;
  config.set_alpha_to_one = false;
  config.steps_offset = 1;
  return config;
}

DiffusionSchedule::DiffusionSchedule(const DiffusionScheduleConfig& config)
    : config_(config), alphas_cumprod_(products(config)) {}

Result<std::vector<std::int64_t>> DiffusionSchedule::timesteps(std::int64_t steps) const {
  if (steps < 1 || steps > config_.train_timesteps) {
    return fail(Errc::invalid_input,
                fmt::format("{} steps: 1 to {} expected", steps, config_.train_timesteps));
  }
  std::vector<std::int64_t> timesteps = spaced(config_, steps);
  if (timesteps.back() >= config_.train_timesteps) {
    return fail(Errc::invalid_input,
                fmt::format("{} steps with steps_offset {}: they reach time step {} of {}", steps,
                            config_.steps_offset, timesteps.back(), config_.train_timesteps));
  }
  std::ranges::reverse(timesteps);
  return timesteps;
}

DiffusionSchedule::Shares DiffusionSchedule::shares(const at::Tensor& latents,
                                                    std::span<const std::int64_t> timesteps) const {
  LODE_ASSERT(
      timesteps.size() == 1 || static_cast<std::int64_t>(timesteps.size()) == latents.size(0),
      "a time step of each batch element, or one for all");
  std::vector<float> clean, noise;
  for (const std::int64_t t : timesteps) {
    LODE_ASSERT(t >= 0 && t < config_.train_timesteps, "a time step of the training");
    clean.push_back(std::sqrt(alphas_cumprod_[t]));
    noise.push_back(std::sqrt(1 - alphas_cumprod_[t]));
  }
  return {factor(clean, latents), factor(noise, latents)};
}

at::Tensor DiffusionSchedule::add_noise(const at::Tensor& latents, const at::Tensor& noise,
                                        std::span<const std::int64_t> timesteps) const {
  const Shares share = shares(latents, timesteps);
  return share.clean * latents + share.noise * noise;
}

Denoised DiffusionSchedule::denoised(const at::Tensor& latents, const at::Tensor& output,
                                     std::span<const std::int64_t> timesteps) const {
  const Shares share = shares(latents, timesteps);
  switch (config_.prediction) {
    case Config::Prediction::epsilon:
      return {(latents - share.noise * output) / share.clean, output};
    case Config::Prediction::sample:
      return {output, (latents - share.clean * output) / share.noise};
    case Config::Prediction::v:
      break;
  }
  return {share.clean * latents - share.noise * output,
          share.clean * output + share.noise * latents};
}

Denoised DiffusionSchedule::clipped(const DiffusionStep& step) const {
  Denoised parts = denoised(step.latents.to(at::kFloat), step.output.to(at::kFloat),
                            step.timesteps.subspan(step.index, 1));
  if (config_.clip_sample) {
    parts.clean = parts.clean.clamp(-config_.clip_range, config_.clip_range);
  }
  return parts;
}

// Scalars are float32 in the reference's order, so that what cancels does so alike.

at::Tensor DiffusionSchedule::ddim_step(const DiffusionStep& step) const {
  LODE_ASSERT(step.index < step.timesteps.size(), "a step of its run");
  const std::int64_t timestep = step.timesteps[step.index];
  const std::int64_t previous =
      timestep - config_.train_timesteps / static_cast<std::int64_t>(step.timesteps.size());
  const Denoised parts = clipped(step);
  const float last = config_.set_alpha_to_one ? 1.0F : alphas_cumprod_[0];
  const float alpha = alphas_cumprod_[timestep];
  const float alpha_previous = previous >= 0 ? alphas_cumprod_[previous] : last;
  const float variance = (1 - alpha_previous) / (1 - alpha) * (1 - alpha / alpha_previous);
  const float deviation = static_cast<float>(step.eta) * std::sqrt(variance);
  at::Tensor latents =
      parts.clean * std::sqrt(alpha_previous) +
      parts.noise * std::sqrt(std::max(1 - alpha_previous - deviation * deviation, 0.0F));
  if (step.eta > 0) {
    LODE_ASSERT(step.noise.defined(), "noise where eta is above 0");
    latents = latents + step.noise.to(at::kFloat) * deviation;
  }
  return latents.to(step.latents.scalar_type());
}

at::Tensor DiffusionSchedule::ddpm_step(const DiffusionStep& step) const {
  constexpr float kLeastVariance = 1e-20F;
  LODE_ASSERT(step.index < step.timesteps.size(), "a step of its run");
  const std::int64_t timestep = step.timesteps[step.index];
  const bool is_last = step.index + 1 == step.timesteps.size();
  const Denoised parts = clipped(step);
  const float alpha = alphas_cumprod_[timestep];
  const float alpha_previous = is_last ? 1.0F : alphas_cumprod_[step.timesteps[step.index + 1]];
  const float alpha_here = alpha / alpha_previous;
  const float beta_here = 1 - alpha_here;
  at::Tensor latents =
      parts.clean * (std::sqrt(alpha_previous) * beta_here / (1 - alpha)) +
      step.latents.to(at::kFloat) * (std::sqrt(alpha_here) * (1 - alpha_previous) / (1 - alpha));
  if (timestep > 0) {
    LODE_ASSERT(step.noise.defined(), "noise but at time step 0");
    const float variance = (1 - alpha_previous) / (1 - alpha) * beta_here;
    latents = latents + step.noise.to(at::kFloat) * std::sqrt(std::max(variance, kLeastVariance));
  }
  return latents.to(step.latents.scalar_type());
}

}  // namespace lode::models
