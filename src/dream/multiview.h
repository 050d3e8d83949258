// A handful of views that a diffusion model drew, to gaussians: the fast path.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "dream/guidance.h"
#include "dream/pace.h"
#include "dream/shell.h"
#include "fit/regular.h"
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

/// Defaults were chosen by bench/dream_views (README.md).
struct ViewFitOptions {
  std::uint64_t seed = 0;
  int steps = 300;
  Budget budget;                 ///< fewer steps where these would take longer; measured by `clock`
  const Clock* clock = nullptr;  ///< without one there is no budget; outlives the call
  ViewStart start = ViewStart::shell;
  ShellOptions shell;
  std::size_t most_gaussians = 40'000;
  float position_rate = 1;  ///< factor of fit::standard_options()'
  /// Turns in a round that the subject's own picture has for one of every sampled view: it alone
  /// is known to be true. 0 leaves it out.
  int picture_turns = 2;
  /// Corrections of sampled views; the subject's picture is exact.
  fit::SlackOptions slack = {.turn_rate = 1e-3F, .shift_rate = 5e-4F, .gain_rate = 0.2F};
  fit::Regularisation regularisation;  ///< `extent` is set by the fit
  /// Views from between the sampled ones that show the start's own shape, as a hold for what no
  /// view shows; each has one turn a round. Only for ViewStart::shell.
  int anchors = 0;
  /// After every step: the step, of how many as expected now.
  std::function<void(int, int)> progress;
  std::stop_token stop;
};

/// What became of the sampled views.
struct ViewFit {
  splat::GaussianCloud cloud;  ///< as the last step left it: see finish()
  int steps = 0;
  int views = 0;  ///< sampled views that were used
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

}  // namespace lode::dream
