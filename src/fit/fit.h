// The fit: a cloud, posed pictures, and one optimisation step after the other.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/result.h"
#include "base/rng.h"
#include "base/thread_pool.h"
#include "fit/adam.h"
#include "fit/dataset.h"
#include "fit/densify.h"
#include "fit/loss.h"
#include "fit/regular.h"
#include "fit/slack.h"
#include "fit/start.h"

namespace lode::fit {

/// Which gradients densification weighs; thresholds differ between the two.
enum class GradientForm {
  summed,   ///< of the loss by the centre: shares of opposite sign cancel (3DGS, DreamGaussian)
  absolute  ///< absolute values of every pixel's share are summed (AbsGS, Ye et al. 2024)
};

struct FitOptions {
  int iterations = 0;
  /// Learning rates; `position` is unused: it falls from first to last on a straight line of its
  /// logarithm. World units.
  LearningRates rates;
  float position_rate_first = 0, position_rate_last = 0;
  LossWeights loss;
  DensifyOptions densify;
  GradientForm gradient_form = GradientForm::summed;
  /// Densification runs after every `interval`-th step from `densify_from` to `densify_until`.
  int densify_from = 0, densify_until = 0, densify_interval = 0;
  /// Opacities are reset after every so many steps while densification lasts; 0: never.
  int opacity_reset_interval = 0;
  /// Behind pictures without alpha, and behind everything when measured. In steps, pictures with
  /// alpha lie over a new random colour every time, so that nothing can pass as background.
  glm::vec3 background{1};
  Regularisation regularisation;
  SlackOptions slack;  ///< for views that are not exact
};

/// For pictures of an object from all sides, in 500 to some thousands of iterations. `extent` is
/// that of Place. From 3DGS with its schedule compressed and its rates raised: README.md says what
/// differs and why.
FitOptions standard_options(int iterations, float extent);

/// The values of DreamGaussian's configs (image.yaml) with this module's loss. Its densification
/// threshold belongs to the size of its guidance loss, so that is the standard one.
FitOptions dreamgaussian_options(int iterations);

struct StepReport {
  int iteration = 0;  ///< 1 for the first step
  double loss = 0;
  double psnr_db = 0;  ///< of the view stepped on, before the step
  std::size_t gaussians = 0;
};

/// What is fitted to what.
struct Problem {
  const Dataset& dataset;  ///< must outlive the fit
  /// Those to step on, as indices into the dataset; not empty. One that is there twice has two
  /// turns a round, and so twice the weight.
  std::vector<std::size_t> views;
  splat::GaussianCloud start;
};

/// Fits a cloud to views. Replayable: the same dataset, options, start and seed give the same
/// bytes, for any number of threads.
class Fitter {
 public:
  /// `pool` must outlive this.
  Fitter(Problem problem, const FitOptions& options, const Rng& rng, ThreadPool& pool);
  ~Fitter();
  Fitter(Fitter&&) noexcept;
  Fitter& operator=(Fitter&&) noexcept;

  /// One step on one view. Every view has its turn before one comes again, in random order.
  /// Errc::invalid_input when the cloud holds a number that is not finite.
  Result<StepReport> step();

  bool is_done() const;
  /// Ends the schedule at another step, at least the one that was done last: for those whom time
  /// presses. Rates and the end of densification follow.
  void end_at(int iteration);
  /// How a view's camera and colours were corrected so far.
  const ViewSlack& slack() const;
  /// The cloud as it is now.
  const splat::GaussianCloud& cloud() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A cloud for a file: without gaussians too faint to be drawn (opacity below 1/255), and with
/// unit quaternions. Draws the same.
splat::GaussianCloud finished(const splat::GaussianCloud& cloud);

/// How drawn views agree with their pictures, over a background.
struct Quality {
  double psnr_db = 0;  ///< mean over the views
  double ssim = 0;     ///< mean over the views, as Loss has it
};
Quality measure(const splat::GaussianCloud& cloud, const Dataset& dataset,
                std::span<const std::size_t> views, glm::vec3 background, ThreadPool& pool);

/// The picture, what the cloud looks like from there, and four times their absolute difference, in
/// a row.
image::Image preview(const splat::GaussianCloud& cloud, const View& view, glm::vec3 background,
                     ThreadPool& pool);

/// Every `holdout`-th view (the last of each so many; 0: none) is kept unseen.
struct Division {
  std::vector<std::size_t> trained, unseen;
};
Division divide(std::size_t views, int holdout);

}  // namespace lode::fit
