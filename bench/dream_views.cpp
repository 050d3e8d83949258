// Splats from a few views, by an oracle instead of a diffusion model: how near each way comes.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <map>
#include <numeric>

#include "dream/multiview.h"
#include "dream/oracle_sampler.h"
#include "fit/fit.h"
#include "image/codec.h"
#include "render/render.h"
#include "sketch/sketch.h"
#include "splat/precondition.h"
#include "splat/splat_file.h"
#include "tests/support/shared_data.h"

namespace lode::dream {
namespace {

constexpr int kSize = 256;
constexpr glm::vec3 kWhite(1);

struct Object {
  std::string name;
  splat::GaussianCloud truth;
  fit::Dataset unseen;  // the validators' views
};

struct Result1 {
  fit::Quality quality;
  double seconds = 0;
  splat::GaussianCloud cloud;
  std::vector<std::string> notes;
};

/// One row of the table.
struct Way {
  std::string name;
  int views = 4;
  bool with_picture = true;
  Inconsistency wrong = model_like();
  ViewFitOptions options;
};

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::vector<std::size_t> all(const fit::Dataset& dataset) {
  std::vector<std::size_t> views(dataset.views.size());
  std::iota(views.begin(), views.end(), 0U);
  return views;
}

Object object_of(std::string name, const splat::GaussianCloud& cloud) {
  Rng rng(1);
  auto boxed = splat::precondition(cloud, rng);
  if (!boxed) {
    throw std::runtime_error(name + ": " + boxed.error().message());
  }
  Object object{std::move(name), *std::move(boxed), {}};
  object.unseen =
      fit::make_dataset(splat::activate(object.truth), render::validator_cameras(kSize), 2);
  return object;
}

Object open_object(const std::string& what) {
  if (what.ends_with(".ply") || what.ends_with(".spz")) {
    const auto path = test::shared_data("splats/" + what);
    if (!path) {
      throw std::runtime_error(what + ": not in the shared data");
    }
    auto cloud = splat::read_splat(*path);
    if (!cloud) {
      throw std::runtime_error(cloud.error().message());
    }
    return object_of(what, cloud->cloud);
  }
  return object_of(what, sketch::build(sketch::parse_prompt(what).scene, 1));
}

Result1 run(const Object& object, const Way& way, std::uint64_t seed, ThreadPool& pool) {
  const auto orbits = way.views == 4 ? four_orbits(kSize) : six_orbits(kSize);
  const auto sampler = oracle_sampler(object.truth, orbits, way.wrong);
  Subject subject;
  if (way.with_picture) {
    render::Orbit orbit = orbits.front();
    orbit.azimuth_deg = 0;
    orbit.elevation_deg = subject.elevation_deg = way.views == 4 ? -15.0F : 0.0F;
    subject.picture = render::to_cutout(render::render(
        splat::activate(object.truth), render::orbit_camera(orbit), {glm::vec3(0), 2}));
  }
  auto views = sampler->sample(subject, seed, {}, {});
  ViewFitOptions options = way.options;
  options.seed = seed;
  const double begin = now();
  auto fit = fit_views(subject, *views, options, pool);
  Result1 result;
  result.seconds = now() - begin;
  if (!fit) {
    throw std::runtime_error(fit.error().message());
  }
  result.notes = fit->notes;
  result.cloud = std::move(fit->cloud);
  result.quality = fit::measure(result.cloud, object.unseen, all(object.unseen), kWhite, pool);
  return result;
}

std::vector<image::Image> row(const splat::GaussianCloud& cloud, ThreadPool& pool) {
  std::vector<image::Image> tiles;
  render::Renderer renderer(pool);
  render::Frame frame;
  const splat::Scene scene = splat::activate(cloud);
  for (int i = 0; i < 8; ++i) {
    render::Orbit orbit;
    orbit.azimuth_deg = 45.0F * static_cast<float>(i);
    orbit.elevation_deg = i == 6 ? -60.0F : (i == 4 ? 20.0F : -15.0F);
    orbit.size = 200;
    renderer.draw(scene, render::orbit_camera(orbit), {}, frame);
    tiles.push_back(render::to_image(frame));
  }
  return tiles;
}

/// Sets what a way's name says, e.g. "6 views, no picture, corner 2".
Way parse_way(const std::string& text) {
  Way way;
  way.name = text;
  std::map<std::string, std::function<void(float)>> keys;
  keys["views"] = [&](float v) { way.views = static_cast<int>(v); };
  keys["picture"] = [&](float v) {
    way.with_picture = v > 0;
    way.options.picture_turns = static_cast<int>(v);
  };
  keys["exact"] = [&](float) { way.wrong = {}; };
  keys["steps"] = [&](float v) { way.options.steps = static_cast<int>(v); };
  keys["ball"] = [&](float) { way.options.start = ViewStart::ball; };
  keys["hull"] = [&](float) { way.options.start = ViewStart::hull; };
  keys["corner"] = [&](float v) { way.options.shell.corner = v; };
  keys["level"] = [&](float v) { way.options.shell.is_levelled = v > 0; };
  keys["width"] = [&](float v) { way.options.shell.width = v; };
  keys["rate"] = [&](float v) { way.options.position_rate = v; };
  keys["n"] = [&](float v) { way.options.shell.gaussians = static_cast<std::size_t>(v); };
  keys["grid"] = [&](float v) { way.options.shell.grid = static_cast<int>(v); };
  keys["o"] = [&](float v) { way.options.shell.opacity = v; };
  keys["most"] = [&](float v) { way.options.most_gaussians = static_cast<std::size_t>(v); };
  keys["gain"] = [&](float v) { way.options.slack.gain_rate = v; };
  keys["turn"] = [&](float v) { way.options.slack.turn_rate = v; };
  keys["shift"] = [&](float v) { way.options.slack.shift_rate = v; };
  keys["opacity"] = [&](float v) { way.options.regularisation.opacity = v; };
  keys["scale"] = [&](float v) { way.options.regularisation.scale = v; };
  keys["stretch"] = [&](float v) { way.options.regularisation.stretch = v; };
  keys["most_stretch"] = [&](float v) { way.options.regularisation.most_stretch = v; };
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = text.find(',', at);
    end = end == std::string::npos ? text.size() : end;
    const std::string one = text.substr(at, end - at);
    const std::size_t equals = one.find('=');
    const std::string key = one.substr(0, equals);
    if (key != "default") {
      keys.at(key)(equals == std::string::npos ? 1.0F : std::stof(one.substr(equals + 1)));
    }
    at = end + 1;
  }
  return way;
}

}  // namespace
}  // namespace lode::dream

int main(int argc, char** argv) {
  using namespace lode;
  using namespace lode::dream;
  CLI::App app("Splats from an oracle's views.");
  std::vector<std::string> ways{"default"}, objects{"a red mug", "a wooden chair", "hamburger.ply"};
  std::string sheet;
  int seeds = 1, threads = 2;
  app.add_option("--way", ways, "key=value,...");
  app.add_option("--object", objects);
  app.add_option("--sheet", sheet, "folder for sheets");
  app.add_option("--seeds", seeds);
  app.add_option("--threads", threads);
  CLI11_PARSE(app, argc, argv);
  ThreadPool pool(threads);
  std::vector<Object> all;
  for (const std::string& name : objects) {
    all.push_back(open_object(name));
  }
  std::map<std::string, std::vector<image::Image>> tiles;
  for (const Object& object : all) {
    tiles[object.name] = row(object.truth, pool);
  }
  for (const std::string& text : ways) {
    const Way way = parse_way(text);
    double psnr = 0, ssim = 0, seconds = 0, gaussians = 0;
    std::string each;
    const double count = static_cast<double>(all.size()) * seeds;
    for (const Object& object : all) {
      double own = 0;
      for (int seed = 1; seed <= seeds; ++seed) {
        const Result1 result = run(object, way, static_cast<std::uint64_t>(seed), pool);
        own += result.quality.psnr_db / seeds;
        psnr += result.quality.psnr_db / count;
        ssim += result.quality.ssim / count;
        seconds += result.seconds / count;
        gaussians += static_cast<double>(result.cloud.size()) / count;
        for (const std::string& note : result.notes) {
          fmt::print(stderr, "{}: {}\n", object.name, note);
        }
        if (seed == 1 && !sheet.empty()) {
          const auto more = row(result.cloud, pool);
          tiles[object.name].insert(tiles[object.name].end(), more.begin(), more.end());
        }
      }
      each += fmt::format(" {:.1f}", own);
    }
    fmt::print("| {} | {:.2f} | {:.4f} | {:.1f} | {:.0f} |{}\n", way.name, psnr, ssim, seconds,
               gaussians, each);
    std::fflush(stdout);
  }
  for (const auto& [name, pictures] : tiles) {
    if (!sheet.empty() &&
        !image::write_png(sheet + "/" + name + ".png", image::tile(pictures, 8, 2, {0, 0, 0}))) {
      return 1;
    }
  }
  return 0;
}
