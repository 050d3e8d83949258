#include "fit/fit.h"

#include <algorithm>
#include <cmath>
#include <glm/gtc/quaternion.hpp>
#include <numeric>

#include "base/assert.h"
#include "render/render.h"

namespace lode::fit {
namespace {

/// Drawn over a difference so that a few grey levels can be seen.
constexpr float kDifferenceGain = 4;

/// The views in a random order that is made anew whenever all had their turn.
class Deck {
 public:
  Deck(std::vector<std::size_t> views, Rng rng) : views_(std::move(views)), rng_(rng) {}

  const std::vector<std::size_t>& views() const { return views_; }

  std::size_t draw() {
    if (left_ == 0) {
      left_ = views_.size();
    }
    std::swap(views_[rng_.below(left_)], views_[left_ - 1]);
    return views_[--left_];
  }

 private:
  std::vector<std::size_t> views_;
  std::size_t left_ = 0;
  Rng rng_;
};

double clamped_mean_square(const std::vector<float>& drawn, const std::vector<float>& target) {
  double sum = 0;
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    const double delta = static_cast<double>(std::clamp(drawn[i], 0.0F, 1.0F) - target[i]);
    sum += delta * delta;
  }
  return sum / static_cast<double>(drawn.size());
}

}  // namespace

FitOptions standard_options(int iterations, float extent) {
  const auto share = [iterations](double part) {
    return static_cast<int>(std::lround(iterations * part));
  };
  FitOptions options;
  options.iterations = iterations;
  // 3DGS has 0.0025, 0.05, 0.005, 0.001 and, times extent, 1.6e-4 falling to 1.6e-6: for 30,000
  // steps. These were measured to be best at 700 to 1500 (README.md).
  options.rates = {
      .f_dc = 0.01F, .sh_rest = 0.01F / 20, .opacity = 0.05F, .scale = 0.02F, .rotation = 0.005F};
  options.position_rate_first = 1.28e-3F * extent;
  options.position_rate_last = 1.28e-5F * extent;
  options.loss = {.ssim = 0.2F, .alpha = 0.1F};
  options.densify.extent = extent;
  options.densify.gradient_threshold = 0.0004F;  // AbsGS' own
  options.gradient_form = GradientForm::absolute;
  options.densify_from = share(500.0 / 30'000);
  options.densify_until = share(0.5);
  options.densify_interval = std::clamp(share(1.0 / 40), 1, 100);
  return options;
}

FitOptions dreamgaussian_options(int iterations) {
  FitOptions options;
  options.iterations = iterations;
  options.rates = {
      .f_dc = 0.01F, .sh_rest = 0.01F / 20, .opacity = 0.05F, .scale = 0.005F, .rotation = 0.005F};
  options.position_rate_first = 0.001F * 10;  // times its spatial_lr_scale
  options.position_rate_last = 0.00002F * 10;
  options.loss = {.ssim = 0.2F, .alpha = 0.1F};
  options.densify.extent = 4;
  options.densify.min_opacity = 0.01F;
  options.densify_from = 100;
  options.densify_until = 3000;
  options.densify_interval = 100;
  options.opacity_reset_interval = 700;
  return options;
}

struct Fitter::State {
  const Dataset& dataset;
  FitOptions options;
  splat::GaussianCloud cloud;
  ThreadPool& pool;
  Deck deck;
  Rng background_rng, split_rng;
  Adam adam;
  Densifier densifier;
  Loss loss;
  render::Renderer renderer;
  ViewSlack slack;
  int iteration = 0;

  // Memory of one step, kept for the next.
  splat::Scene scene;
  render::Frame frame;
  std::vector<float> target_rgb, target_alpha;
  render::SceneGradient scene_gradient;
  splat::GaussianCloud gradient;

  State(Problem problem, const FitOptions& how, const Rng& rng, ThreadPool& threads)
      : dataset(problem.dataset),
        options(how),
        cloud(std::move(problem.start)),
        pool(threads),
        deck(std::move(problem.views), rng.fork("views")),
        background_rng(rng.fork("background")),
        split_rng(rng.fork("split")),
        adam(cloud.size(), cloud.sh_degree),
        densifier(cloud.size()),
        loss(threads),
        renderer(threads),
        slack(dataset, deck.views(), find_place(dataset, deck.views()).centre, how.slack) {}

  glm::vec3 background_for(const View& view) {
    if (view.picture.channels != 4) {
      return options.background;
    }
    glm::vec3 colour;
    for (int c = 0; c < 3; ++c) {
      colour[c] = static_cast<float>(background_rng.uniform());
    }
    return colour;
  }

  LearningRates rates() const {
    const double t = static_cast<double>(iteration) / std::max(1, options.iterations);
    LearningRates rates = options.rates;
    rates.position = static_cast<float>(
        std::exp((1 - t) * std::log(static_cast<double>(options.position_rate_first)) +
                 t * std::log(static_cast<double>(options.position_rate_last))));
    return rates;
  }

  bool gathers_absolute() const {
    return options.gradient_form == GradientForm::absolute && iteration < options.densify_until;
  }

  /// The picture as it would be without the view's gain.
  void aim_at(std::size_t index, glm::vec3 background) {
    to_target(dataset.views[index].picture, background, target_rgb, target_alpha);
    const glm::vec3 gain = slack.gain(index);
    if (gain == glm::vec3(1) || target_alpha.empty()) {
      return;
    }
    for (std::size_t i = 0; i < target_alpha.size(); ++i) {
      for (int c = 0; c < 3; ++c) {
        const float behind = (1 - target_alpha[i]) * background[c];
        target_rgb[3 * i + c] = (target_rgb[3 * i + c] - behind) / gain[c] + behind;
      }
    }
  }

  Result<LossValue> differentiate(std::size_t index) {
    const glm::vec3 background = background_for(dataset.views[index]);
    splat::activate(cloud, splat::own_colours(cloud), scene);
    renderer.draw(scene, slack.camera(index), {.background = background, .differentiable = true},
                  frame);
    aim_at(index, background);
    const LossValue value = loss.evaluate(frame, {target_rgb, target_alpha}, options.loss);
    const render::FrameGradient by_frame{.rgb = loss.rgb_gradient(),
                                         .alpha = loss.alpha_gradient(),
                                         .with_centres_abs = gathers_absolute()};
    LODE_CHECK(renderer.backward(scene, by_frame, scene_gradient));
    render::raw_gradient(cloud, scene, scene_gradient, gradient);
    regularise(cloud, options.regularisation, gradient);
    slack.meet_colours(index, frame, background, target_rgb, target_alpha);
    slack.move_camera(index, scene, scene_gradient);
    return value;
  }

  /// After the step that `iteration` counts.
  void control_density(const View& view) {
    if (iteration > options.densify_until) {
      return;
    }
    const auto& centres = options.gradient_form == GradientForm::absolute
                              ? scene_gradient.centres_abs
                              : scene_gradient.centres;
    densifier.accumulate(
        centres, scene_gradient.radii,
        {static_cast<float>(view.camera.width) / 2, static_cast<float>(view.camera.height) / 2});
    if (iteration >= options.densify_from && options.densify_interval > 0 &&
        iteration % options.densify_interval == 0) {
      densifier.densify(cloud, adam, options.densify, split_rng);
    }
    if (options.opacity_reset_interval > 0 && iteration % options.opacity_reset_interval == 0) {
      reset_opacity(cloud, adam);
    }
  }
};

Fitter::Fitter(Problem problem, const FitOptions& options, const Rng& rng, ThreadPool& pool) {
  LODE_ASSERT(!problem.views.empty(), "there are views to step on");
  state_ = std::make_unique<State>(std::move(problem), options, rng, pool);
}
Fitter::~Fitter() = default;
Fitter::Fitter(Fitter&&) noexcept = default;
Fitter& Fitter::operator=(Fitter&&) noexcept = default;

Result<StepReport> Fitter::step() {
  State& s = *state_;
  const std::size_t index = s.deck.draw();
  LODE_TRY(const LossValue value, s.differentiate(index));
  s.adam.step(s.cloud, s.gradient, s.rates(), s.pool);
  ++s.iteration;
  s.control_density(s.dataset.views[index]);
  return StepReport{s.iteration, value.total, psnr_db(value.mean_square), s.cloud.size()};
}

bool Fitter::is_done() const { return state_->iteration >= state_->options.iterations; }

void Fitter::end_at(int iteration) {
  State& s = *state_;
  LODE_ASSERT(iteration >= s.iteration, "steps done stay done");
  const double factor = static_cast<double>(iteration) / std::max(1, s.options.iterations);
  s.options.densify_until = static_cast<int>(std::lround(s.options.densify_until * factor));
  s.options.iterations = iteration;
}

const ViewSlack& Fitter::slack() const { return state_->slack; }

const splat::GaussianCloud& Fitter::cloud() const { return state_->cloud; }

splat::GaussianCloud finished(const splat::GaussianCloud& cloud) {
  std::vector<std::uint8_t> keep(cloud.size());
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    keep[i] = cloud.opacity_logits[i] >= splat::kFaintestLogit ? 1 : 0;
  }
  splat::GaussianCloud out = cloud;
  keep_gaussians(out, keep);
  for (glm::quat& rotation : out.rotations) {
    rotation = glm::normalize(rotation);
  }
  return out;
}

Quality measure(const splat::GaussianCloud& cloud, const Dataset& dataset,
                std::span<const std::size_t> views, glm::vec3 background, ThreadPool& pool) {
  const splat::Scene scene = splat::activate(cloud, splat::own_colours(cloud));
  render::Renderer renderer(pool);
  Loss loss(pool);
  render::Frame frame;
  std::vector<float> rgb, alpha;
  Quality quality;
  for (const std::size_t index : views) {
    const View& view = dataset.views[index];
    renderer.draw(scene, view.camera, {.background = background}, frame);
    to_target(view.picture, background, rgb, alpha);
    const auto count = static_cast<double>(views.size());
    quality.psnr_db += psnr_db(clamped_mean_square(frame.rgb, rgb)) / count;
    quality.ssim += loss.evaluate(frame, {rgb, {}}, {}).ssim / count;
  }
  return quality;
}

image::Image preview(const splat::GaussianCloud& cloud, const View& view, glm::vec3 background,
                     ThreadPool& pool) {
  const splat::Scene scene = splat::activate(cloud, splat::own_colours(cloud));
  render::Renderer renderer(pool);
  render::Frame drawn;
  renderer.draw(scene, view.camera, {.background = background}, drawn);
  render::Frame target = drawn, difference = drawn;
  std::vector<float> alpha;
  to_target(view.picture, background, target.rgb, alpha);
  for (std::size_t i = 0; i < drawn.rgb.size(); ++i) {
    difference.rgb[i] = kDifferenceGain * std::abs(drawn.rgb[i] - target.rgb[i]);
  }
  return image::tile(
      {render::to_image(target), render::to_image(drawn), render::to_image(difference)}, 3, 0,
      {0, 0, 0});
}

Division divide(std::size_t views, int holdout) {
  Division division;
  for (std::size_t i = 0; i < views; ++i) {
    const bool is_unseen = holdout > 0 && (i + 1) % static_cast<std::size_t>(holdout) == 0;
    (is_unseen ? division.unseen : division.trained).push_back(i);
  }
  return division;
}

}  // namespace lode::fit
