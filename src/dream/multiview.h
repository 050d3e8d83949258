// A handful of views that a diffusion model drew, to gaussians: the fast path.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "dream/dream.h"
#include "dream/guidance.h"
#include "dream/pace.h"
#include "dream/shell.h"
#include "fit/slack.h"
#include "splat/cloud.h"

namespace lode::dream {

/// The most views that are taken: several times what any model draws at once.
inline constexpr std::size_t kMostSampledViews = 64;

/// What gaussians begin as.
enum class ViewStart {
  shell,  ///< shell_cloud(): the rounded hull's skin, coloured by the views
  hull,   ///< fit::start_cloud(): faint gaussians all through the hull
  ball    ///< fit::start_cloud() without silhouettes: a grey ball
};

/// Defaults were chosen by tools/dream_views (README.md).
struct ViewFitOptions {
  std::uint64_t seed = 0;
  int steps = 200;
  Budget budget;                 ///< fewer steps where these would take longer; measured by `clock`
  const Clock* clock = nullptr;  ///< measures the budget, which needs one; outlives the call
  ViewStart start = ViewStart::shell;
  ShellOptions shell;
  std::size_t most_gaussians = 0;  ///< growth by densification ends here; none below the start's
  /// Turns in a round that the subject's own picture has for one of every sampled view: it alone
  /// is known to be true. 0 leaves it out.
  int picture_turns = 3;
  /// Corrections of sampled views; the subject's picture is exact.
  fit::SlackOptions slack = {.turn_rate = 3e-3F, .shift_rate = 1e-3F, .gain_rate = 0.5F};
  /// As of fit::FitOptions. 0.01 gains 0.3 dB, and lets white shine through surfaces that are only
  /// seen at a slant.
  float opacity_weight = 0;
  /// After every step: the step, of how many as expected now.
  std::function<void(int, int)> progress;
  std::stop_token stop;
};

/// What became of the sampled views.
struct ViewFit {
  splat::GaussianCloud cloud;  ///< as the last step left it: see finish()
  int steps = 0;               ///< made
  int views = 0;               ///< sampled views that were used
  /// A line each: views that were left out and why, and what the budget cost.
  std::vector<std::string> notes;
};

/// Fits gaussians to sampled views and, where there is one, to the subject's own picture, which
/// stands at azimuth 0 and its elevation, as far away as the sampled views. A view without a usable
/// silhouette, and one whose silhouette the others contradict, is left out with a note. Same
/// subject, views, seed and options give the same bytes for any number of threads, unless a budget
/// cuts steps. Errc::invalid_input when fewer than two views can be used, or a view's picture does
/// not fit its orbit; Errc::cancelled after a requested stop.
Result<ViewFit> fit_views(const Subject& subject, std::span<const SampledView> views,
                          const ViewFitOptions& options, ThreadPool& pool);

/// After the fit: score distillation goes on from the fitted cloud.
struct RefineOptions {
  /// What the schedule is; its distance and field of view become those of the sampled views.
  /// Without one, refine_preset() of the built-in `text_mv` for a guidance that looks at four views
  /// together, else of `image`.
  std::optional<Preset> preset;
  double begin_at = 0.5;  ///< where the schedule begins, 0..1: the noise of a shape that is known
};
/// A preset with fewer and shorter steps and without densification, for a cloud that is nearly
/// right: the references' are for a blob.
Preset refine_preset(Preset preset);

struct FastOptions {
  ViewFitOptions fit;      ///< its seed is the sampler's, too; its budget is for everything
  bool is_refined = true;  ///< where there is a guidance
  RefineOptions refine;
  FinishOptions finish;
  /// Share of a budget's rest, once views are sampled, that the fit may use when it is refined.
  double fit_share = 0.5;
  std::function<void(int, int)> sampling;         ///< hears as of ViewSampler::sample
  std::function<void(const Progress&)> refining;  ///< hears as of DreamOptions::progress
  int preview_interval = 0;                       ///< of the refinement, as DreamOptions'
};

struct FastOutcome {
  splat::GaussianCloud cloud;  ///< finished
  FinishReport finish;
  int fit_steps = 0;
  std::optional<Report> refined;
  std::vector<std::string> notes;
  double sample_seconds = 0, fit_seconds = 0, refine_seconds = 0;  ///< 0 without a clock
};

/// The whole fast path: views are sampled, fitted, refined unless options say otherwise or
/// `guidance` (which has begun with the subject) is null, and the cloud is finished. The stop token
/// and the clock are those of `options.fit`. Errors as of its parts.
Result<FastOutcome> dream_fast(const Subject& subject, ViewSampler& sampler, Guidance* guidance,
                               const FastOptions& options, ThreadPool& pool);

}  // namespace lode::dream
