#include "guidance/sds.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/nan_to_num.h>
#include <ATen/ops/std.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/assert.h"
#include "nn/noise.h"

namespace lode::guidance {

namespace {

constexpr double kLeastShare = 0.02;
constexpr double kMostShare = 0.98;

// MVDream's schedule of ranges.
constexpr double kAnnealedShare = 0.8;
constexpr double kFinalMostShare = 0.5;

std::int64_t share_of(std::int64_t train_timesteps, double share) {
  return static_cast<std::int64_t>(static_cast<double>(train_timesteps) * share);
}

// One value a view, to multiply [B, C, h, w] by.
at::Tensor per_view(std::span<const float> alphas, const SdsQuestion& question) {
  const auto count = static_cast<std::int64_t>(question.timesteps.size());
  at::Tensor weights = at::empty({count, 1, 1, 1}, at::TensorOptions(at::kFloat));
  std::ranges::transform(question.timesteps, weights.data_ptr<float>(),
                         [&](std::int64_t t) { return 1 - alphas[static_cast<std::size_t>(t)]; });
  return weights.to(question.latents.device());
}

at::Tensor deviation(const at::Tensor& clean, std::int64_t views) {
  const std::array<std::int64_t, 2> shape = {clean.size(0) / views, -1};
  return at::std(clean.reshape(shape), at::IntArrayRef{1}, /*unbiased=*/true) + 1e-8;
}

// What latents are held against instead of the noise.
at::Tensor residual_of_clean(const models::DiffusionSchedule& schedule, const SdsQuestion& question,
                             const SdsRule& rule) {
  const auto clean_by = [&](const at::Tensor& output) {
    return schedule.denoised(question.noisy, output, question.timesteps).clean;
  };
  const at::Tensor clean = clean_by(guided(question.opinion, rule.scale));
  const at::Tensor plain = clean_by(question.opinion.with);
  const at::Tensor factor =
      deviation(plain, rule.views_together) / deviation(clean, rule.views_together);
  const at::Tensor a_view =
      factor.repeat_interleave(rule.views_together).view({clean.size(0), 1, 1, 1});
  const double share = *rule.reconstruction;
  return question.latents - (share * a_view * clean + (1 - share) * clean);
}

}  // namespace

TimestepRange usual_range(std::int64_t train_timesteps) {
  return {share_of(train_timesteps, kLeastShare), share_of(train_timesteps, kMostShare)};
}

std::int64_t annealed_timestep(double progress, std::int64_t train_timesteps) {
  const TimestepRange range = usual_range(train_timesteps);
  const double asked = (1 - progress) * static_cast<double>(train_timesteps);
  return static_cast<std::int64_t>(std::clamp(
      std::nearbyint(asked), static_cast<double>(range.least), static_cast<double>(range.most)));
}

TimestepRange reconstruction_range(double progress, std::int64_t train_timesteps) {
  const double done = std::clamp(progress / kAnnealedShare, 0.0, 1.0);
  const auto between = [&](double last) { return kMostShare + done * (last - kMostShare); };
  return {share_of(train_timesteps, between(kLeastShare)),
          share_of(train_timesteps, between(kFinalMostShare))};
}

std::int64_t drawn_timestep(const TimestepRange& range, std::uint64_t seed,
                            std::string_view purpose) {
  const double place = nn::NoiseSource(seed, purpose).uniform({1}).item<double>();
  return range.least +
         static_cast<std::int64_t>(place * static_cast<double>(range.most - range.least + 1));
}

at::Tensor guided(const Opinion& opinion, double scale) {
  return opinion.without + scale * (opinion.with - opinion.without);
}

Distilled distil(const models::DiffusionSchedule& schedule, const SdsQuestion& question,
                 const SdsRule& rule) {
  LODE_ASSERT(question.latents.size(0) % rule.views_together == 0,
              "views come with those that they belong to");
  at::Tensor residual;
  if (rule.reconstruction) {
    residual = residual_of_clean(schedule, question, rule);
  } else {
    const at::Tensor output = guided(question.opinion, rule.scale);
    residual = schedule.denoised(question.noisy, output, question.timesteps).noise - question.noise;
    if (rule.weighted) {
      residual = per_view(schedule.alphas_cumprod(), question) * residual;
    }
  }
  residual = at::nan_to_num(residual, 0.0, 0.0, 0.0);
  const double share =
      rule.mean_of_views ? 1.0 / static_cast<double>(question.latents.size(0)) : 1.0;
  Distilled distilled;
  distilled.loss = 0.5 * share * residual.to(at::kDouble).square().sum().item<double>();
  distilled.gradient = residual * share;
  return distilled;
}

}  // namespace lode::guidance
