// lode render: pictures of a splat file, as the validators see it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "fit/dataset.h"
#include "image/codec.h"
#include "lode/commands.h"
#include "render/render.h"
#include "splat/splat_file.h"

namespace lode::commands {
namespace {

struct RenderOptions {
  std::string in;
  std::string out;
  render::Orbit orbit{.azimuth_deg = 24};
  std::string box = "1.5";
  std::vector<float> background{1, 1, 1};
  int sheet = 0;
  bool duel = false;
  int dataset = 0;
  int threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  bool json = false;
};

/// The side of the validators' box; nothing for "none".
Result<std::optional<float>> parse_box(const std::string& text) {
  if (text == "none") {
    return std::optional<float>();
  }
  char* end = nullptr;
  const float box = std::strtof(text.c_str(), &end);
  if (end == text.c_str() || *end != '\0' || !(box > 0) || !std::isfinite(box)) {
    return fail(Errc::invalid_input, "--box: a positive number or none expected, got " + text);
  }
  return std::optional<float>(box);
}

/// Pictures for `lode fit`; --out is a folder.
int write_dataset(const splat::Scene& scene, const RenderOptions& options) {
  const auto cameras = fit::dataset_cameras(options.dataset, options.orbit);
  const auto start = std::chrono::steady_clock::now();
  const auto written = fit::write_dataset(options.out, scene, cameras, options.threads);
  if (!written) {
    return cli::report(written.error());
  }
  const std::chrono::duration<double, std::milli> elapsed =
      std::chrono::steady_clock::now() - start;
  if (options.json) {
    cli::print_json({{"milliseconds", elapsed.count()},
                     {"gaussians", scene.size()},
                     {"views", cameras.size()},
                     {"threads", options.threads}});
  } else {
    fmt::print("{}: {} views of {}x{}, {} gaussians, {:.1f} ms\n", options.out, cameras.size(),
               options.orbit.size, options.orbit.size, scene.size(), elapsed.count());
  }
  return cli::kDone;
}

/// 0..1 each, or 0..255 when one is above 1.
glm::vec3 to_colour(const std::vector<float>& values) {
  const float divisor = *std::max_element(values.begin(), values.end()) > 1 ? 255.0F : 1.0F;
  return glm::vec3(values[0], values[1], values[2]) / divisor;
}

image::Image draw(const splat::Scene& scene, const RenderOptions& options) {
  const render::RenderOptions how{to_colour(options.background), options.threads};
  if (options.sheet != 0) {
    return render::contact_sheet(scene, options.orbit.size, how);
  }
  if (options.duel) {
    return render::duel_grid(scene, how);
  }
  return render::to_image(render::render(scene, render::orbit_camera(options.orbit), how));
}

int run(const RenderOptions& options) {
  const auto box = parse_box(options.box);
  if (!box) {
    std::fprintf(stderr, "lode: %s\n", box.error().context.c_str());
    return cli::kUsage;
  }
  const auto file = splat::read_splat(options.in);
  if (!file) {
    return cli::report(file.error());
  }
  splat::Scene scene = splat::activate(file->cloud);
  if (*box) {
    splat::frame(scene, **box);
  }
  if (options.dataset > 0) {
    return write_dataset(scene, options);
  }
  const auto start = std::chrono::steady_clock::now();
  const image::Image picture = draw(scene, options);
  const std::chrono::duration<double, std::milli> elapsed =
      std::chrono::steady_clock::now() - start;
  if (const auto written = image::write_png(options.out, picture); !written) {
    return cli::report(written.error());
  }
  if (options.json) {
    cli::print_json({{"milliseconds", elapsed.count()},
                     {"gaussians", scene.size()},
                     {"width", picture.width},
                     {"height", picture.height},
                     {"threads", options.threads}});
  } else {
    fmt::print("{}: {}x{}, {} gaussians, {:.1f} ms\n", options.out, picture.width, picture.height,
               scene.size(), elapsed.count());
  }
  return cli::kDone;
}

}  // namespace

void add_render(CLI::App& app, cli::Action& chosen) {
  auto options = std::make_shared<RenderOptions>();
  CLI::App* command = app.add_subcommand("render", "Draw a splat file as the validators see it");
  command->add_option("in", options->in, "A .ply or .spz file")->required();
  command->add_option("-o,--out", options->out, "The PNG to write")->required();
  command->add_option("--azimuth", options->orbit.azimuth_deg, "Degrees around, 0 at +Z, 90 at +X")
      ->capture_default_str();
  command->add_option("--elevation", options->orbit.elevation_deg, "Degrees; negative is above")
      ->capture_default_str();
  command->add_option("--radius", options->orbit.radius, "Distance from the origin")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--fov", options->orbit.fov_deg, "Field of view in degrees")
      ->check(CLI::Range(1.0, 170.0))
      ->capture_default_str();
  command->add_option("--size", options->orbit.size, "Pixels on a side; of one view of a sheet")
      ->check(CLI::Range(1, 8192))
      ->capture_default_str();
  command->add_option("--box", options->box, "Longest side after framing, or none")
      ->capture_default_str();
  command
      ->add_option("--background", options->background,
                   "r,g,b from 0 to 1, or from 0 to 255 when one is above 1")
      ->delimiter(',')
      ->expected(3)
      ->check(CLI::Range(0.0, 255.0));
  auto* sheet =
      command->add_option("--sheet", options->sheet, "16: the validators' views in 4 rows")
          ->check(CLI::IsMember({16}));
  auto* duel =
      command->add_flag("--duel", options->duel, "The validators' 2x2 grid")->excludes(sheet);
  command
      ->add_option("--dataset", options->dataset,
                   "So many views from all sides as RGBA with cameras.json, for lode fit; "
                   "--out names a folder")
      ->check(CLI::Range(1, 1000))
      ->excludes(sheet)
      ->excludes(duel);
  command->add_option("--threads", options->threads, "Threads to render with")
      ->check(CLI::Range(1, 256));
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

}  // namespace lode::commands
