#include "dream/optimiser.h"

#include <algorithm>
#include <cmath>
#include <new>
#include <utility>

#include "base/assert.h"
#include "dream/gradient_internal.h"
#include "dream/health_internal.h"
#include "dream/known_view_internal.h"
#include "fit/adam.h"
#include "fit/densify.h"
#include "fit/start.h"
#include "render/render.h"

namespace lode::dream {
namespace {

/// Steps dropped in a row before the guidance counts as broken.
constexpr int kMostDroppedInARow = 50;
/// What a restart multiplies the learning rates by.
constexpr float kRestartRate = 0.5F;
/// A reset takes opacities to 0.01; a logit must rise by this much to 0.5.
constexpr double kResetLogit = 4.6;

/// A random view between its drawing and its backward pass. Each has a renderer of its own, since
/// the guidance looks at all frames together before any of them is differentiated.
struct RandomFrame {
  explicit RandomFrame(ThreadPool& pool) : renderer(pool) {}

  render::Renderer renderer;
  render::Frame frame;
  render::Orbit orbit;
  std::vector<float> shown;  // the frame's colours, cut to 0..1
};

}  // namespace

struct Optimiser::State {
  Preset preset;
  Guidance* guidance;
  OptimiserOptions options;
  ThreadPool& pool;
  float known_elevation;
  ElevationRange elevations;
  std::optional<KnownView> known;
  Rng view_rng, split_rng;
  Pace pace;
  Time begun{};

  splat::GaussianCloud cloud;
  fit::Adam adam;
  fit::Densifier densifier;
  fit::DensifyOptions densify;
  Health health;
  float rate = 1;  // of all learning rates, lowered by restarts
  Report report;
  int dropped_in_a_row = 0;
  std::optional<double> plain_loss;  // of the known view, at the last step

  // Memory of one step, kept for the next.
  render::Renderer known_renderer;
  render::Frame known_frame;
  std::vector<RandomFrame> frames;
  std::size_t used_frames = 0;
  std::vector<DrawnView> views;
  std::vector<std::vector<float>> view_gradients;
  splat::Scene scene;
  render::SceneGradient part, sum;
  bool has_sum = false;
  splat::GaussianCloud gradient;
  struct Densified {
    std::vector<glm::vec2> centres;
    std::vector<float> radii;
    float half_size = 0;
  };
  std::vector<Densified> densified;  // of every view that densification weighs

  State(const Subject& subject, const Preset& how, Guidance* guide, const OptimiserOptions& other,
        ThreadPool& threads, const Rng& rng)
      : preset(how),
        guidance(guide),
        options(other),
        pool(threads),
        known_elevation(subject.elevation_deg),
        elevations(elevation_range(how, subject.elevation_deg)),
        view_rng(rng.fork("views")),
        split_rng(rng.fork("split")),
        pace(how.iters, other.budget, other.begin_at),
        cloud(other.start != nullptr ? fit::with_degree(*other.start, how.sh_degree)
                                     : start_blob(static_cast<std::size_t>(how.num_pts),
                                                  how.sh_degree, rng.fork("start"))),
        adam(cloud.size(), cloud.sh_degree),
        densifier(cloud.size()),
        densify(densify_options(how)),
        health(cloud),
        known_renderer(threads) {
    densify.max_gaussians = other.max_gaussians;
    if (subject.picture.width > 0) {
      known.emplace(subject, how);
      if (touches_border(subject.picture)) {
        report.notes.emplace_back(
            "the subject reaches its picture's border: what is cut off there is made up");
      }
    }
    begun = now();
  }

  Time now() const { return options.clock != nullptr ? options.clock->now() : Time{}; }
  double elapsed() const { return to_seconds(now() - begun); }

  /// Adds the time of `work` to a stage.
  template <class Work>
  auto timed(double StageSeconds::*stage, const Work& work) {
    const Time start = now();
    struct Stop {
      State& state;
      double StageSeconds::*stage;
      Time start;
      ~Stop() { state.report.seconds.*stage += to_seconds(state.now() - start); }
    } stop{*this, stage, start};
    return work();
  }

  Result<void> add_backward(render::Renderer& renderer, const render::FrameGradient& by_frame) {
    return timed(&StageSeconds::backward, [&]() -> Result<void> {
      LODE_CHECK(renderer.backward(scene, by_frame, has_sum ? part : sum));
      if (has_sum) {
        add_gradient(part, sum, pool);
      }
      has_sum = true;
      return {};
    });
  }

  /// The known view's weighted loss; its derivative is added to `sum`.
  Result<double> step_known() {
    timed(&StageSeconds::render, [&] {
      known_renderer.draw(scene, known->camera(), {.differentiable = true}, known_frame);
    });
    const double loss = known->evaluate(known_frame, pace.progress());
    plain_loss = known->plain_loss();
    LODE_CHECK(add_backward(known_renderer,
                            {.rgb = known->rgb_gradient(), .alpha = known->alpha_gradient()}));
    return loss;
  }

  void draw_frames() {
    const int together = guidance->views_together();
    const int size = view_size(pace.progress());
    used_frames = static_cast<std::size_t>(preset.batch_size) * static_cast<std::size_t>(together);
    while (frames.size() < used_frames) {
      frames.emplace_back(pool);
    }
    views.clear();
    for (std::size_t i = 0; i < used_frames; i += static_cast<std::size_t>(together)) {
      const RandomView view = draw_view(preset, elevations, view_rng);
      for (int turn = 0; turn < together; ++turn) {
        RandomFrame& one = frames[i + static_cast<std::size_t>(turn)];
        one.orbit = view_orbit(preset, known_elevation, view, turn, size);
        one.renderer.draw(
            scene, render::orbit_camera(one.orbit),
            {.background = glm::vec3(view.is_white ? 1.0F : 0.0F), .differentiable = true},
            one.frame);
        one.shown = one.frame.rgb;
        for (float& value : one.shown) {
          value = std::clamp(value, 0.0F, 1.0F);
        }
        views.push_back({one.orbit, one.shown});
      }
    }
    view_gradients.resize(used_frames);
  }

  /// The guidance's weighted loss; its derivative is added to `sum`.
  Result<double> step_random(int number, const std::stop_token& stop) {
    timed(&StageSeconds::render, [&] { draw_frames(); });
    LODE_TRY(
        const double loss, timed(&StageSeconds::guidance, [&] {
          return guidance->differentiate(views, {number, pace.progress()}, view_gradients, stop);
        }));
    const double lambda = preset.lambda();
    densified.resize(static_cast<std::size_t>(preset.batch_size));
    for (std::size_t i = 0; i < used_frames; ++i) {
      RandomFrame& one = frames[i];
      LODE_ASSERT(view_gradients[i].size() == one.frame.rgb.size(), "a derivative a value");
      weigh_inside(one.frame.rgb, static_cast<float>(lambda), view_gradients[i]);
      LODE_CHECK(add_backward(one.renderer, {.rgb = view_gradients[i]}));
      const auto together = static_cast<std::size_t>(guidance->views_together());
      if (i % together == 0) {
        const render::SceneGradient& latest = i == 0 && !known ? sum : part;
        densified[i / together] = {latest.centres, latest.radii,
                                   static_cast<float>(one.orbit.size) / 2};
      }
    }
    return lambda * loss;
  }

  /// The loss; its derivative by the cloud's parameters is in `gradient`.
  Result<double> differentiate(int number, const std::stop_token& stop) {
    has_sum = false;
    splat::activate(cloud, splat::own_colours(cloud), scene);
    double loss = 0;
    if (known) {
      LODE_TRY(const double part_loss, step_known());
      loss += part_loss;
    }
    if (guidance != nullptr) {
      LODE_TRY(const double part_loss, step_random(number, stop));
      loss += part_loss;
    }
    timed(&StageSeconds::backward, [&] { render::raw_gradient(cloud, scene, sum, gradient); });
    return loss;
  }

  void apply() {
    timed(&StageSeconds::optimiser, [&] {
      fit::LearningRates rates = learning_rates(preset, pace.position());
      for (float* one : {&rates.position, &rates.f_dc, &rates.sh_rest, &rates.opacity, &rates.scale,
                         &rates.rotation}) {
        *one *= rate;
      }
      adam.step(cloud, gradient, rates, pool);
    });
  }

  void control_density(int number) {
    const double at = pace.position();
    if (guidance == nullptr || at < preset.density_start_iter || at > preset.density_end_iter) {
      return;
    }
    for (const Densified& view : densified) {
      densifier.accumulate(view.centres, view.radii, glm::vec2(view.half_size));
    }
    if (pace.crossed(preset.densification_interval)) {
      const fit::DensifyReport done = densifier.densify(cloud, adam, densify, split_rng);
      report.cloned += done.cloned;
      report.split += done.split;
      report.pruned += done.dropped;
    }
    if (pace.crossed(preset.opacity_reset_interval)) {
      reset_opacity(number);
    }
  }

  /// Unless the steps left are too few for opacities to rise again.
  void reset_opacity(int number) {
    const double needed = kResetLogit / std::max(1e-9, preset.opacity_lr);
    if (pace.steps_left(elapsed()) < needed) {
      ++report.skipped_resets;
      return;
    }
    fit::reset_opacity(cloud, adam);
    health.excuse(number, static_cast<int>(std::ceil(needed)));
  }

  Result<void> restart(std::string_view why) {
    if (report.restarts >= options.max_restarts) {
      return fail(Errc::internal, "the optimisation went astray " +
                                      std::to_string(report.restarts + 1) +
                                      " times; last: " + std::string(why));
    }
    ++report.restarts;
    report.notes.push_back("step " + std::to_string(report.steps) + ": " + std::string(why) +
                           "; went back to the best cloud, with half the rates");
    cloud = health.best();
    adam = fit::Adam(cloud.size(), cloud.sh_degree);
    densifier = fit::Densifier(cloud.size());
    rate *= kRestartRate;
    health.restart();
    return {};
  }

  Result<StepReport> dropped(StepReport step) {
    step.is_dropped = true;
    ++report.dropped_steps;
    if (++dropped_in_a_row >= kMostDroppedInARow) {
      return fail(Errc::internal, std::to_string(dropped_in_a_row) +
                                      " steps in a row had a loss or derivatives that are not "
                                      "finite");
    }
    return step;
  }

  Result<StepReport> step(const std::stop_token& stop) {
    if (stop.stop_requested()) {
      return fail(Errc::cancelled, "the optimisation was stopped");
    }
    const double start = elapsed();
    pace.advance(start);
    StepReport step{.number = ++report.steps, .progress = pace.progress()};
    auto made = attempt(step, stop);
    if (made) {
      pace.observe(elapsed() - start);
      made->of = report.steps + pace.steps_left(elapsed());
      made->gaussians = cloud.size();
    }
    return made;
  }

  Result<StepReport> attempt(StepReport step, const std::stop_token& stop) {
    const auto loss = differentiate(step.number, stop);
    if (!loss && loss.error().code == Errc::limit_exceeded) {
      LODE_CHECK(restart("its gaussians covered too many pixels: " + loss.error().context));
      return step;
    }
    LODE_TRY(step.loss, loss);
    if (!std::isfinite(step.loss) || !is_usable(gradient)) {
      return dropped(step);
    }
    dropped_in_a_row = 0;
    apply();
    timed(&StageSeconds::density, [&] { control_density(step.number); });
    if (!health.observe(step.number, cloud, plain_loss)) {
      LODE_CHECK(restart("the cloud went to pieces or the known view got much worse"));
    }
    report.known_loss = plain_loss.value_or(0);
    return step;
  }
};

Optimiser::Optimiser(std::unique_ptr<State> state) : state_(std::move(state)) {}
Optimiser::~Optimiser() = default;
Optimiser::Optimiser(Optimiser&&) noexcept = default;
Optimiser& Optimiser::operator=(Optimiser&&) noexcept = default;

Result<Optimiser> Optimiser::begin(const Subject& subject, const Preset& preset, Guidance* guidance,
                                   const OptimiserOptions& options, ThreadPool& pool) {
  LODE_CHECK(check_subject(subject));
  if (guidance == nullptr && subject.picture.width == 0) {
    return fail(Errc::invalid_input, "a prompt alone: a guidance was expected with it");
  }
  LODE_ASSERT(options.budget.seconds <= 0 || options.clock != nullptr, "a budget has a clock");
  try {
    return Optimiser(std::make_unique<State>(subject, preset, guidance, options, pool,
                                             Rng(options.seed).fork("dream")));
  } catch (const std::bad_alloc&) {
    return fail(Errc::out_of_resource, "not enough memory to begin an optimisation");
  }
}

Result<StepReport> Optimiser::step(const std::stop_token& stop) {
  try {
    return state_->step(stop);
  } catch (const std::bad_alloc&) {
    return fail(Errc::out_of_resource,
                "not enough memory for " + std::to_string(state_->cloud.size()) + " gaussians");
  }
}

bool Optimiser::is_done() const { return !state_->pace.may_step(state_->elapsed()); }

const splat::GaussianCloud& Optimiser::cloud() const { return state_->cloud; }

const splat::GaussianCloud& Optimiser::best() const {
  return state_->health.is_best_better(state_->plain_loss) ? state_->health.best() : state_->cloud;
}

const Report& Optimiser::report() const { return state_->report; }

}  // namespace lode::dream
