// The fast path as a whole: sample, fit, refine, finish.
#include <algorithm>
#include <new>
#include <utility>

#include "dream/multiview.h"

namespace lode::dream {
namespace {

/// Seconds since a moment; 0 without a clock.
class Watch {
 public:
  explicit Watch(const Clock* clock) : clock_(clock), begun_(now()) {}
  double seconds() const { return to_seconds(now() - begun_); }

 private:
  Time now() const { return clock_ != nullptr ? clock_->now() : Time{}; }
  const Clock* clock_;
  Time begun_;
};

/// What is left of a budget; a whole one that is used up leaves a moment, which is not "no limit".
Budget rest(const Budget& budget, double used) {
  constexpr double kMoment = 1e-3;
  return {budget.seconds > 0 ? std::max(kMoment, budget.seconds - used) : 0};
}

Result<Preset> schedule_of(const RefineOptions& options, const Guidance& guidance) {
  if (options.preset) {
    return *options.preset;
  }
  LODE_TRY(Preset preset, find_preset(guidance.views_together() == 4 ? "text_mv" : "image"));
  return refine_preset(std::move(preset));
}

Result<Report> refine(const Subject& subject, Guidance& guidance, const render::Orbit& like,
                      const FastOptions& options, const Budget& budget, ThreadPool& pool,
                      FastOutcome& outcome) {
  LODE_TRY(Preset preset, schedule_of(options.refine, guidance));
  preset.radius = like.radius;
  preset.fovy = like.fov_deg;
  DreamOptions how;
  how.optimiser = {.seed = options.fit.seed,
                   .budget = budget,
                   .clock = options.fit.clock,
                   .start = &outcome.cloud,
                   .begin_at = options.refine.begin_at};
  how.with_finish = false;
  how.progress = options.refining;
  how.preview_interval = options.preview_interval;
  how.stop = options.fit.stop;
  LODE_TRY(Outcome refined, dream(subject, preset, &guidance, how, pool));
  outcome.cloud = std::move(refined.cloud);
  outcome.notes.insert(outcome.notes.end(), refined.report.notes.begin(),
                       refined.report.notes.end());
  return std::move(refined.report);
}

}  // namespace

Preset refine_preset(Preset preset) {
  preset.iters /= 5;
  preset.position_lr_init /= 5;
  preset.position_lr_max_steps = preset.iters;
  preset.scaling_lr /= 2;
  preset.density_start_iter = preset.density_end_iter = 0;
  preset.warmup_rgb_loss = false;
  return preset;
}

namespace {

Result<FastOutcome> take_all_steps(const Subject& subject, ViewSampler& sampler, Guidance* guidance,
                                   const FastOptions& options, ThreadPool& pool) {
  const Watch watch(options.fit.clock);
  FastOutcome outcome;
  LODE_TRY(const std::vector<SampledView> views,
           sampler.sample(subject, options.fit.seed, options.sampling, options.fit.stop));
  outcome.sample_seconds = watch.seconds();
  const bool is_refined = options.is_refined && guidance != nullptr;
  ViewFitOptions fit = options.fit;
  fit.budget = rest(options.fit.budget, outcome.sample_seconds);
  fit.budget.seconds *= is_refined ? options.fit_share : 1;
  LODE_TRY(ViewFit fitted, fit_views(subject, views, fit, pool));
  outcome.fit_seconds = watch.seconds() - outcome.sample_seconds;
  outcome.fit_steps = fitted.steps;
  outcome.notes = std::move(fitted.notes);
  outcome.cloud = std::move(fitted.cloud);
  if (is_refined) {
    const Budget left = rest(options.fit.budget, watch.seconds());
    LODE_TRY(outcome.refined,
             refine(subject, *guidance, views.front().orbit, options, left, pool, outcome));
    outcome.refine_seconds = watch.seconds() - outcome.sample_seconds - outcome.fit_seconds;
  }
  LODE_TRY(outcome.cloud, finish(outcome.cloud, options.finish, pool, &outcome.finish));
  return outcome;
}

}  // namespace

Result<FastOutcome> dream_fast(const Subject& subject, ViewSampler& sampler, Guidance* guidance,
                               const FastOptions& options, ThreadPool& pool) {
  try {
    return take_all_steps(subject, sampler, guidance, options, pool);
  } catch (const std::bad_alloc&) {
    return fail(Errc::out_of_resource, "not enough memory to fit sampled views");
  }
}

}  // namespace lode::dream
