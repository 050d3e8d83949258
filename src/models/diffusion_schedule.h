// The schedule of Stable Diffusion's family: how much noise each time step holds, and DDIM's and
// DDPM's steps back through it, as diffusers computes them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <vector>

#include "base/result.h"

namespace lode::models {

/// scheduler_config.json of a DDIMScheduler, DDPMScheduler or PNDMScheduler: they share the fields,
/// and any of them may be stepped through in either way, as diffusers' from_config allows.
struct DiffusionScheduleConfig {
  enum class Betas {
    linear,
    scaled_linear  ///< linear in sqrt(beta)
  };
  enum class Prediction {
    epsilon,  ///< the network returns the noise
    v,        ///< sqrt(a) noise - sqrt(1 - a) clean (Salimans and Ho, 2022)
    sample    ///< the clean latents
  };
  enum class Spacing { leading, trailing, linspace };

  std::int64_t train_timesteps = 1000;
  double beta_start = 1e-4;
  double beta_end = 0.02;
  Betas betas = Betas::linear;
  /// Betas and their products in float64, rounded at the end: CompVis' code, hence MVDream's.
  /// diffusers has float32 betas.
  bool in_double = false;
  Prediction prediction = Prediction::epsilon;
  bool clip_sample = true;        ///< clean latents, to +-clip_range, within a step
  double clip_range = 1;          ///< above 0
  bool set_alpha_to_one = true;   ///< after DDIM's last step; else it is time step 0's
  std::int64_t steps_offset = 0;  ///< added to every time step by Spacing::leading
  Spacing spacing = Spacing::leading;
};

/// Errc::unsupported for other classes, trained betas, other beta schedules, dynamic thresholding,
/// rescaled betas and learned variance; Errc::invalid_input for values out of bounds. Errors name
/// the field; what is missing is as in diffusers' DDIMScheduler.
Result<DiffusionScheduleConfig> parse_diffusion_schedule_config(const nlohmann::ordered_json& json);

/// Stable Diffusion's as CompVis' code has it and MVDream trains with it: 0.00085 to 0.012, linear
/// in sqrt(beta), in float64 (mvdream, ldm/modules/diffusionmodules/util.py make_beta_schedule).
DiffusionScheduleConfig ldm_schedule_config();

/// What a network returned for noisy latents, as both things it may mean.
struct Denoised {
  at::Tensor clean;  ///< the latents without noise, not clipped
  at::Tensor noise;  ///< the noise of variance 1 in them
};

/// One step of a run.
struct DiffusionStep {
  std::span<const std::int64_t>
      timesteps;          ///< of the run, as DiffusionSchedule::timesteps has them
  std::size_t index = 0;  ///< which of them the latents are at
  at::Tensor latents;     ///< [B, ...]
  at::Tensor output;      ///< the network's, of the same shape
  at::Tensor noise;       ///< of the same shape; needed where the step adds some
  double eta = 0;         ///< DDIM's: from 0, no noise, to 1
};

class DiffusionSchedule {
 public:
  explicit DiffusionSchedule(const DiffusionScheduleConfig& config);

  const DiffusionScheduleConfig& config() const { return config_; }
  /// The share of the picture in the variance at each time step, falling: train_timesteps values
  /// within (0, 1).
  std::span<const float> alphas_cumprod() const { return alphas_cumprod_; }

  /// Time steps of a run of so many, falling. Errc::invalid_input for fewer than one, or so many
  /// that the spacing leaves 0..train_timesteps - 1.
  Result<std::vector<std::int64_t>> timesteps(std::int64_t steps) const;

  /// sqrt(a) latents + sqrt(1 - a) noise, with a at `timesteps`: one of each batch element, or one
  /// for all (asserted, and that they lie in 0..train_timesteps - 1). Differentiable; of the
  /// latents' type.
  at::Tensor add_noise(const at::Tensor& latents, const at::Tensor& noise,
                       std::span<const std::int64_t> timesteps) const;

  /// What `output` says of `latents` at `timesteps`, as of add_noise. Of the latents' type.
  Denoised denoised(const at::Tensor& latents, const at::Tensor& output,
                    std::span<const std::int64_t> timesteps) const;

  /// Song, Meng, Ermon, "Denoising Diffusion Implicit Models", 2020, formula (12). Noise is needed
  /// for eta above 0. Sums in float32, rounded to the latents' type.
  at::Tensor ddim_step(const DiffusionStep& step) const;
  /// Ho, Jain, Abbeel, "Denoising Diffusion Probabilistic Models", 2020, formula (7), with the
  /// smaller of the two variances. Noise is needed but at time step 0. Rounded as ddim_step.
  at::Tensor ddpm_step(const DiffusionStep& step) const;

 private:
  /// Factors of the picture and of the noise, that broadcast over the latents.
  struct Shares {
    at::Tensor clean, noise;
  };
  Shares shares(const at::Tensor& latents, std::span<const std::int64_t> timesteps) const;
  /// Of the step's latents, in float32, clipped where the config says so.
  Denoised clipped(const DiffusionStep& step) const;

  DiffusionScheduleConfig config_;
  std::vector<float> alphas_cumprod_;
};

}  // namespace lode::models
