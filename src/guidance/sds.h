// The arithmetic of score distillation (Poole, Jain, Barron, Mildenhall, "DreamFusion", 2022), as
// DreamGaussian's guidance has it, and MVDream's reconstruction loss.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "models/diffusion_schedule.h"

namespace lode::guidance {

/// Time steps that are asked about, both included.
struct TimestepRange {
  std::int64_t least = 0, most = 0;
};

/// 2 % to 98 % of the training's: 20 to 980 of 1000 (t_range).
TimestepRange usual_range(std::int64_t train_timesteps);

/// (1 - progress) of the training's time steps, rounded half to even, within the usual range.
std::int64_t annealed_timestep(double progress, std::int64_t train_timesteps);

/// MVDream's for its reconstruction loss: both ends fall over the first 80 % of the schedule, from
/// 98 % to 2 % and to 50 % (8000 of 10000 steps; MVDream-threestudio,
/// configs/mvdream-sd21-rescale0.5.yaml).
TimestepRange reconstruction_range(double progress, std::int64_t train_timesteps);

/// Evenly from the range, by seed and purpose.
std::int64_t drawn_timestep(const TimestepRange& range, std::uint64_t seed,
                            std::string_view purpose);

/// What a network said of noisy latents, [B, C, h, w] each, float32.
struct Opinion {
  at::Tensor with;     ///< the subject
  at::Tensor without;  ///< it, or with the negative prompt
};

/// without + scale (with - without): classifier-free guidance (Ho and Salimans, 2022).
at::Tensor guided(const Opinion& opinion, double scale);

/// How a model's opinion becomes a loss.
struct SdsRule {
  double scale = 1;            ///< of classifier-free guidance
  bool weighted = false;       ///< by w(t) = 1 - alphas_cumprod[t]
  bool mean_of_views = false;  ///< divided by B
  /// MVDream's instead of the residual noise: the distance to the clean latents that are predicted,
  /// these brought so far to the deviation that they have without guidance (recon_std_rescale,
  /// 0 to 1) over the `views_together` of an object. `weighted` is ignored.
  std::optional<double> reconstruction;
  std::int64_t views_together = 1;
};

/// One question and its answer by the network.
struct SdsQuestion {
  at::Tensor latents;                       ///< [B, C, h, w], float32
  at::Tensor noise;                         ///< of the same shape, standard normal
  at::Tensor noisy;                         ///< schedule.add_noise of both
  std::span<const std::int64_t> timesteps;  ///< [B]
  Opinion opinion;
};

struct Distilled {
  at::Tensor gradient;  ///< the loss's by the latents; what is not finite is 0
  double loss = 0;      ///< half the square of what the gradient is before the mean
};

/// g = w(t) (predicted - drawn noise), the loss |g|^2 / 2; or as `rule` says. Noise, velocity and
/// clean latents are told apart by the schedule's prediction.
Distilled distil(const models::DiffusionSchedule& schedule, const SdsQuestion& question,
                 const SdsRule& rule);

}  // namespace lode::guidance
