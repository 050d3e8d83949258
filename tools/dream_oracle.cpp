// Measures src/dream without a diffusion model: objects are made again from one picture (or none)
// and an oracle that knows them, and compared with what they are from views nobody saw.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include "base/heap.h"
#include "dream/dream.h"
#include "dream/oracle.h"
#include "fit/fit.h"
#include "image/codec.h"
#include "render/render.h"
#include "sketch/sketch.h"
#include "splat/splat_file.h"

namespace {

using namespace lode;

/// The object's longest side: at radius 2 it fills the share of a picture that subjects have.
constexpr float kSide = 1.2F;
constexpr int kUnseen = 24, kTile = 200, kSheetViews = 6;

struct Arguments {
  std::vector<std::string> objects = {"a red mug on a wooden table", "a green dinosaur toy",
                                      "a wooden chair"};
  std::string preset = "image", sheet, save;
  int steps = 0, threads = 2, batch = 0;
  std::uint64_t seed = 1;
  double budget = 0;
  dream::OracleOptions oracle;
};

Result<splat::GaussianCloud> read_object(const std::string& name, std::uint64_t seed) {
  splat::GaussianCloud cloud;
  if (std::filesystem::exists(name)) {
    LODE_TRY(splat::SplatFile file, splat::read_splat(name));
    cloud = std::move(file.cloud);
  } else {
    cloud = sketch::build(sketch::parse_prompt(name).scene, seed);
  }
  if (cloud.size() == 0) {
    return fail(Errc::invalid_input,
                name + ": neither a splat file nor a prompt that is understood");
  }
  const splat::Bounds box = splat::bounds(cloud.positions);
  const float factor = kSide / box.extent();
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    cloud.positions[i] = factor * (cloud.positions[i] - (box.min + box.max) * 0.5F);
    cloud.log_scales[i] += std::log(factor);
  }
  return fit::with_degree(cloud, 0);
}

fit::Quality agreement(const splat::GaussianCloud& cloud, const fit::Dataset& truth,
                       ThreadPool& pool) {
  std::vector<std::size_t> views(truth.views.size());
  std::iota(views.begin(), views.end(), std::size_t{0});
  return fit::measure(cloud, truth, views, glm::vec3(1), pool);
}

/// Two rows: the object all around, and what was made of it.
void add_turntable(const splat::GaussianCloud& truth, const splat::GaussianCloud& made,
                   const dream::Preset& preset, std::vector<image::Image>& tiles) {
  for (const splat::GaussianCloud* cloud : {&truth, &made}) {
    const splat::Scene scene = splat::activate(*cloud);
    for (int i = 0; i < kSheetViews; ++i) {
      const render::Orbit orbit{.azimuth_deg = 360.0F * static_cast<float>(i) / kSheetViews,
                                .elevation_deg = -10,
                                .radius = static_cast<float>(preset.radius),
                                .size = kTile};
      tiles.push_back(render::to_image(render::render(scene, render::orbit_camera(orbit))));
    }
  }
}

Result<void> measure(const std::string& name, const dream::Preset& preset,
                     const Arguments& arguments, ThreadPool& pool,
                     std::vector<image::Image>& tiles) {
  LODE_TRY(const splat::GaussianCloud truth, read_object(name, arguments.seed));
  const auto radius = static_cast<float>(preset.radius);
  dream::Subject subject{.prompt = name};
  if (preset.lambda_zero123 > 0) {
    subject = dream::oracle_subject(truth, {.elevation_deg = 0, .radius = radius}, pool);
  }
  dream::Oracle oracle(truth, arguments.oracle, arguments.seed, pool);
  const SystemClock clock;
  dream::DreamOptions options;
  options.optimiser = {.seed = arguments.seed, .budget = {arguments.budget}, .clock = &clock};
  LODE_TRY(const dream::Outcome made, dream::dream(subject, preset, &oracle, options, pool));

  const fit::Dataset unseen = fit::make_dataset(
      splat::activate(truth), fit::dataset_cameras(kUnseen, {.radius = radius, .size = 256}),
      pool.threads());
  const fit::Quality quality = agreement(made.cloud, unseen, pool);
  const dream::StageSeconds& s = made.report.seconds;
  fmt::print(
      "{}: {:.2f} dB, SSIM {:.3f}, {} gaussians, {} steps, {:.1f} s: guidance {:.1f} render "
      "{:.1f} backward {:.1f} optimiser {:.1f} density {:.2f} finish {:.2f}; cloned {} split "
      "{} pruned {}; floaters {} added {}\n",
      name, quality.psnr_db, quality.ssim, made.cloud.size(), made.report.steps, s.total(),
      s.guidance, s.render, s.backward, s.optimiser, s.density, s.finish, made.report.cloned,
      made.report.split, made.report.pruned, made.finish.floaters, made.finish.split);
  for (const std::string& note : made.report.notes) {
    fmt::print("  {}\n", note);
  }
  add_turntable(truth, made.cloud, preset, tiles);
  if (!arguments.save.empty()) {
    LODE_TRY([[maybe_unused]] const std::size_t bytes,
             splat::write_splat(arguments.save, made.cloud));
  }
  return {};
}

Result<void> run(const Arguments& arguments) {
  LODE_TRY(dream::Preset preset, dream::find_preset(arguments.preset));
  preset.iters = arguments.steps > 0 ? arguments.steps : preset.iters;
  preset.batch_size = arguments.batch > 0 ? arguments.batch : preset.batch_size;
  Arguments with = arguments;
  with.oracle.views_together = preset.mvdream ? 4 : 1;
  ThreadPool pool(arguments.threads);
  std::vector<image::Image> tiles;
  for (const std::string& name : arguments.objects) {
    LODE_CHECK(measure(name, preset, with, pool, tiles));
  }
  if (!arguments.sheet.empty()) {
    LODE_CHECK(
        image::write_png(arguments.sheet, image::tile(tiles, kSheetViews, 2, {255, 255, 255})));
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  keep_freed_memory();  // as the programs do
  Arguments arguments;
  CLI::App app("Measures the optimisation by score distillation with an oracle for guidance.");
  app.add_option("objects", arguments.objects, "prompts of the sketch, or splat files");
  app.add_option("--preset", arguments.preset, "a built-in preset or a file");
  app.add_option("--steps", arguments.steps, "instead of the preset's");
  app.add_option("--batch", arguments.batch, "random views a step, instead of the preset's");
  app.add_option("--budget", arguments.budget, "seconds an object");
  app.add_option("--cells", arguments.oracle.cells, "cells across that the oracle sees; 0: pixels");
  app.add_option("--noise", arguments.oracle.noise, "of the oracle, a cell");
  app.add_option("--seed", arguments.seed, "of everything random");
  app.add_option("--threads", arguments.threads, "to work on");
  app.add_option("--sheet", arguments.sheet, "PNG: each object all around, true above made");
  app.add_option("--save", arguments.save, "the last object's splat");
  CLI11_PARSE(app, argc, argv);
  if (const auto done = run(arguments); !done) {
    fmt::print(stderr, "dream_oracle: {}\n", done.error().message());
    return 1;
  }
  return 0;
}
