// Measures the fast path of src/dream without a diffusion model: an oracle draws the views that one
// would sample, as wrong as asked for, and what becomes of them is compared with the object from
// the validators' views. Ways to do it are told apart by settings, score distillation among them.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <ctime>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/heap.h"
#include "dream/multiview.h"
#include "dream/oracle.h"
#include "dream/oracle_sampler.h"
#include "image/codec.h"
#include "render/render.h"
#include "tools/dream_objects.h"

namespace {

using namespace lode;

constexpr int kSize = 256, kTile = 200, kSheetViews = 8;
/// The validators' box, which fills two thirds of a picture from their distance.
constexpr float kSide = 1.5F;

/// The processor time that this program used, so that other programs do not count, and what a
/// diffusion model would have taken on a device of its own.
class ChargedClock final : public Clock {
 public:
  Time now() const override {
    timespec used{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return Time{} + from_seconds(static_cast<double>(used.tv_sec) +
                                 1e-9 * static_cast<double>(used.tv_nsec) + charged_);
  }
  void charge(double seconds) { charged_ += seconds; }
  double charged() const { return charged_; }

 private:
  double charged_ = 0;
};

/// A guidance whose every answer is charged for.
class ChargedGuidance final : public dream::Guidance {
 public:
  ChargedGuidance(Guidance& guidance, ChargedClock& clock, double seconds)
      : guidance_(guidance), clock_(clock), seconds_(seconds) {}
  std::string_view name() const override { return guidance_.name(); }
  int views_together() const override { return guidance_.views_together(); }
  Result<double> differentiate(std::span<const dream::DrawnView> views,
                               const dream::GuidanceStep& step,
                               std::span<std::vector<float>> gradients,
                               const std::stop_token& stop) override {
    clock_.charge(seconds_);
    return guidance_.differentiate(views, step, gradients, stop);
  }

 private:
  Guidance& guidance_;
  ChargedClock& clock_;
  double seconds_;
};

/// One row of the table.
struct Way {
  std::string name;
  int views = 4;
  bool with_picture = true;
  bool is_sds = false;  ///< score distillation alone
  dream::Inconsistency wrong = dream::model_like();
  dream::FastOptions options;
  dream::Preset preset;
  double sample_seconds = 5, step_seconds = 0.15;
  double noise = 1;

  Way() { options.is_refined = false; }
};

struct Object {
  std::string name;
  splat::GaussianCloud truth;
  fit::Dataset unseen;  ///< the validators' views
  std::vector<image::Image> tiles;
};

struct Outcome {
  splat::GaussianCloud cloud;
  double seconds = 0, charged = 0;
  int steps = 0, refined = 0;
};

using Keys = std::map<std::string, std::function<void(double)>>;

Keys keys_of(Way& way) {
  dream::ViewFitOptions& fit = way.options.fit;
  const auto set = [](auto& member) {
    return [&member](double v) { member = static_cast<std::decay_t<decltype(member)>>(v); };
  };
  return {
      {"views", set(way.views)},
      {"picture",
       [&](double v) {
         way.with_picture = v > 0;
         fit.picture_turns = static_cast<int>(v);
       }},
      {"exact", [&](double) { way.wrong = {}; }},
      {"sds", set(way.is_sds)},
      {"refine",
       [&](double v) {
         way.options.is_refined = true;
         way.options.refine.begin_at = v;
       }},
      {"finish",
       [&](double v) {
         if (!(v > 0)) {
           way.options.finish = {.min_opacity = 0, .max_scale = 1e6F, .least_group = 0, .least = 0};
         }
       }},
      {"share", set(way.options.fit_share)},
      {"iters", set(way.preset.iters)},
      {"batch", set(way.preset.batch_size)},
      {"noise", set(way.noise)},
      {"budget", set(fit.budget.seconds)},
      {"steps", set(fit.steps)},
      {"ball", [&](double) { fit.start = dream::ViewStart::ball; }},
      {"hull", [&](double) { fit.start = dream::ViewStart::hull; }},
      {"corner", set(fit.shell.corner)},
      {"level", set(fit.shell.is_levelled)},
      {"start", set(fit.shell.gaussians)},
      {"grid", set(fit.shell.grid)},
      {"start_opacity", set(fit.shell.opacity)},
      {"most", set(fit.most_gaussians)},
      {"gain", set(fit.slack.gain_rate)},
      {"turn", set(fit.slack.turn_rate)},
      {"shift", set(fit.slack.shift_rate)},
      {"opacity", set(fit.opacity_weight)},
  };
}

/// "key=value,key,...": a key without a value is 1.
Result<Way> parse_way(const std::string& text, const dream::Preset& preset) {
  Way way;
  way.name = text;
  way.preset = preset;
  const Keys keys = keys_of(way);
  for (const std::string& part : CLI::detail::split(text, ',')) {
    const std::size_t equals = part.find('=');
    const auto key = keys.find(part.substr(0, equals));
    if (key != keys.end()) {
      key->second(equals == std::string::npos ? 1.0 : std::stod(part.substr(equals + 1)));
    } else if (part != "default") {
      return fail(Errc::invalid_input, text + ": no setting is called " + part);
    }
  }
  return way;
}

std::vector<render::Orbit> orbits_of(const Way& way) {
  return way.views == 6 ? dream::six_orbits(kSize) : dream::four_orbits(kSize);
}

dream::Subject subject_of(const Object& object, const Way& way, ThreadPool& pool) {
  if (!way.with_picture) {
    return {.prompt = object.name};
  }
  // Where a model for pictures looks from is level with them; MVDream's front view is above.
  render::Orbit orbit = orbits_of(way).front();
  orbit.azimuth_deg = 0;
  orbit.elevation_deg = way.views == 6 ? 0.0F : orbit.elevation_deg;
  dream::Subject subject = dream::oracle_subject(object.truth, orbit, pool);
  subject.elevation_deg = orbit.elevation_deg;
  return subject;
}

Result<Outcome> run(const Object& object, const Way& way, std::uint64_t seed, ThreadPool& pool) {
  const dream::Subject subject = subject_of(object, way, pool);
  ChargedClock clock;
  dream::Oracle oracle(
      object.truth, {.views_together = way.preset.mvdream ? 4 : 1, .noise = way.noise}, seed, pool);
  ChargedGuidance guidance(oracle, clock, way.step_seconds * way.preset.batch_size);
  const Time begun = clock.now();
  Outcome outcome;
  if (way.is_sds) {
    dream::Preset preset = way.preset;
    preset.radius = 2.5;
    dream::DreamOptions options;
    options.optimiser = {.seed = seed, .budget = way.options.fit.budget, .clock = &clock};
    LODE_TRY(dream::Outcome made, dream::dream(subject, preset, &guidance, options, pool));
    outcome.refined = made.report.steps;
    outcome.cloud = std::move(made.cloud);
  } else {
    const auto sampler = dream::oracle_sampler(object.truth, orbits_of(way), way.wrong);
    dream::FastOptions options = way.options;
    options.fit.seed = seed;
    options.fit.clock = &clock;
    options.refine.preset = dream::refine_preset(way.preset);
    clock.charge(way.sample_seconds);
    LODE_TRY(dream::FastOutcome made,
             dream::dream_fast(subject, *sampler, &guidance, options, pool));
    for (const std::string& note : made.notes) {
      fmt::print(stderr, "{}, {}: {}\n", way.name, object.name, note);
    }
    outcome.steps = made.fit_steps;
    outcome.refined = made.refined ? made.refined->steps : 0;
    outcome.cloud = std::move(made.cloud);
  }
  outcome.seconds = to_seconds(clock.now() - begun);
  outcome.charged = clock.charged();
  return outcome;
}

/// The object all around at the validators' elevation, but for one view from below and one from
/// above.
void add_turntable(const splat::GaussianCloud& cloud, ThreadPool& pool,
                   std::vector<image::Image>& tiles) {
  render::Renderer renderer(pool);
  render::Frame frame;
  const splat::Scene scene = splat::activate(cloud);
  for (int i = 0; i < kSheetViews; ++i) {
    render::Orbit orbit{.azimuth_deg = 45.0F * static_cast<float>(i), .size = kTile};
    orbit.elevation_deg = i == 4 ? 20.0F : (i == 6 ? -60.0F : -15.0F);
    renderer.draw(scene, render::orbit_camera(orbit), {}, frame);
    tiles.push_back(render::to_image(frame));
  }
}

Result<void> measure(const Way& way, std::vector<Object>& objects, int seeds, ThreadPool& pool) {
  fit::Quality mean;
  double seconds = 0, charged = 0, gaussians = 0, steps = 0, refined = 0;
  const double count = static_cast<double>(objects.size()) * seeds;
  std::string each;
  for (Object& object : objects) {
    double own = 0;
    for (int seed = 1; seed <= seeds; ++seed) {
      LODE_TRY(const Outcome made, run(object, way, static_cast<std::uint64_t>(seed), pool));
      const fit::Quality quality = tools::agreement(made.cloud, object.unseen, pool);
      mean.psnr_db += quality.psnr_db / count;
      mean.ssim += quality.ssim / count;
      own += quality.psnr_db / seeds;
      seconds += made.seconds / count;
      charged += made.charged / count;
      gaussians += static_cast<double>(made.cloud.size()) / count;
      steps += made.steps / count;
      refined += made.refined / count;
      if (seed == 1) {
        add_turntable(made.cloud, pool, object.tiles);
      }
    }
    each += fmt::format(" {:.1f}", own);
  }
  fmt::print("| {} | {:.2f} | {:.4f} | {:.1f} | {:.1f} | {:.0f} | {:.0f} | {:.0f} |{} |\n",
             way.name, mean.psnr_db, mean.ssim, seconds, seconds - charged, steps, refined,
             gaussians, each);
  std::fflush(stdout);
  return {};
}

struct Arguments {
  std::vector<std::string> objects = {"a red mug", "a wooden chair", "a green dinosaur toy"};
  std::vector<std::string> ways = {"default", "picture=0", "views=6", "hull", "ball"};
  std::string preset = "image", sheets;
  int seeds = 1, threads = 1;
};

Result<void> run(const Arguments& arguments) {
  ThreadPool pool(arguments.threads);
  LODE_TRY(const dream::Preset preset, dream::find_preset(arguments.preset));
  std::vector<Object> objects;
  for (const std::string& name : arguments.objects) {
    LODE_TRY(splat::GaussianCloud truth, tools::read_object(name, 1, kSide));
    Object object{.name = std::filesystem::path(name).stem().string(), .truth = std::move(truth)};
    object.unseen =
        fit::make_dataset(splat::activate(object.truth), render::validator_cameras(kSize));
    add_turntable(object.truth, pool, object.tiles);
    objects.push_back(std::move(object));
  }
  fmt::print(
      "| way | PSNR | SSIM | seconds | ours | fit steps | SDS steps | gaussians | PSNR of each |\n"
      "|---|---|---|---|---|---|---|---|---|\n");
  for (const std::string& text : arguments.ways) {
    LODE_TRY(const Way way, parse_way(text, preset));
    LODE_CHECK(measure(way, objects, arguments.seeds, pool));
  }
  for (const Object& object : objects) {
    if (!arguments.sheets.empty()) {
      LODE_CHECK(image::write_png(std::filesystem::path(arguments.sheets) / (object.name + ".png"),
                                  image::tile(object.tiles, kSheetViews, 2, {0, 0, 0})));
    }
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  keep_freed_memory();  // as the programs do
  Arguments arguments;
  CLI::App app("Measures splats from the views of an oracle that stands for a diffusion model.");
  app.add_option("objects", arguments.objects, "prompts of the sketch, or splat files");
  app.add_option("--way", arguments.ways, "settings of a row: key=value,...");
  app.add_option("--preset", arguments.preset, "of score distillation");
  app.add_option("--seeds", arguments.seeds, "runs of each, with seeds 1, 2, ...");
  app.add_option("--threads", arguments.threads, "to work on; with one, its time is what is told");
  app.add_option("--sheets", arguments.sheets, "folder: each object all around, a row a way");
  CLI11_PARSE(app, argc, argv);
  if (const auto done = run(arguments); !done) {
    fmt::print(stderr, "dream_views: {}\n", done.error().message());
    return 1;
  }
  return 0;
}
