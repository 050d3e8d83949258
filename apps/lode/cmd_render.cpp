// lode render: pictures and turntables of a splat file, as the validators see it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "base/file.h"
#include "base/thread_pool.h"
#include "fit/dataset.h"
#include "image/animation.h"
#include "image/codec.h"
#include "lode/commands.h"
#include "render/render.h"
#include "splat/splat_file.h"

namespace lode::commands {
namespace {

struct RenderOptions {
  std::string in;
  std::string out;
  std::string depth_out;
  std::string alpha_out;
  render::Orbit orbit{.azimuth_deg = 24};
  std::string box = "1.5";
  std::vector<float> background{1, 1, 1};
  int sheet = 0;
  bool duel = false;
  bool turntable = false;
  int dataset = 0;
  bool view_dependent = false;
  int frames = 60;
  int frames_per_second = 20;
  int threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  bool json = false;
};

/// What was drawn, for the report.
struct Drawn {
  int width = 0, height = 0;
  double milliseconds = 0;  ///< of rendering alone
  nlohmann::json extra = nlohmann::json::object();
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

/// 0..1 each, or 0..255 when one is above 1.
glm::vec3 to_colour(const std::vector<float>& values) {
  const float divisor = *std::max_element(values.begin(), values.end()) > 1 ? 255.0F : 1.0F;
  return glm::vec3(values[0], values[1], values[2]) / divisor;
}

render::RenderOptions how(const RenderOptions& options) {
  return {to_colour(options.background), options.threads};
}

bool names_animation(const RenderOptions& options) {
  return options.turntable || image::animation_encoder(options.out, 1).has_value();
}

/// Flags that do not go together, beyond what CLI11 can say.
Result<void> check_flags(const RenderOptions& options) {
  const bool is_sheet = options.sheet != 0 || options.duel;
  if (options.dataset > 0 && names_animation(options)) {
    return fail(Errc::invalid_input, "--dataset makes a folder, not " + options.out);
  }
  if (names_animation(options)) {
    LODE_TRY(const auto encoder, image::animation_encoder(options.out, options.frames_per_second));
    if (is_sheet) {
      return fail(Errc::invalid_input, "--sheet and --duel make a PNG, not " + options.out);
    }
  }
  const bool wants_layers = !options.depth_out.empty() || !options.alpha_out.empty();
  if (wants_layers && (is_sheet || options.dataset > 0 || names_animation(options))) {
    return fail(Errc::invalid_input, "--depth and --alpha are pictures of a single view");
  }
  return {};
}

/// Runs `draw` and returns what it took.
template <class Draw>
double milliseconds_of(const Draw& draw) {
  const auto start = std::chrono::steady_clock::now();
  draw();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

/// A grey picture of one value a pixel, 0..1.
template <class Value>
image::Image grey_picture(const render::Frame& frame, const Value& value_at) {
  image::Image picture(frame.width, frame.height, 3);
  for (std::size_t i = 0; i < frame.alpha.size(); ++i) {
    const float value = std::clamp(value_at(i), 0.0F, 1.0F);
    std::fill_n(&picture.pixels[3 * i], 3, static_cast<std::uint8_t>(std::lround(255 * value)));
  }
  return picture;
}

/// Writes the depth picture: from white at the nearest depth to black at the farthest, and black
/// where there is nothing.
Result<void> write_depth(const RenderOptions& options, const render::Frame& frame, Drawn& drawn) {
  // Below this the mean depth of a pixel is that of a splat's faint rim.
  constexpr float kCovered = 0.5F;
  float nearest = std::numeric_limits<float>::max(), farthest = 0;
  for (std::size_t i = 0; i < frame.depth.size(); ++i) {
    if (frame.alpha[i] >= kCovered) {
      nearest = std::min(nearest, frame.depth[i]);
      farthest = std::max(farthest, frame.depth[i]);
    }
  }
  const float range = std::max(farthest - nearest, std::numeric_limits<float>::min());
  const auto brightness = [&](std::size_t i) {
    return frame.alpha[i] >= kCovered ? (farthest - frame.depth[i]) / range : 0.0F;
  };
  if (farthest > 0) {
    drawn.extra["depth"] = {{"nearest", nearest}, {"farthest", farthest}};
  }
  return image::write_png(options.depth_out, grey_picture(frame, brightness));
}

Result<Drawn> draw_view(const splat::Scene& scene, const RenderOptions& options) {
  render::Frame frame;
  Drawn drawn;
  drawn.milliseconds = milliseconds_of(
      [&] { frame = render::render(scene, render::orbit_camera(options.orbit), how(options)); });
  drawn.width = frame.width;
  drawn.height = frame.height;
  if (!options.depth_out.empty()) {
    LODE_CHECK(write_depth(options, frame, drawn));
  }
  if (!options.alpha_out.empty()) {
    const auto alpha = [&frame](std::size_t i) { return frame.alpha[i]; };
    LODE_CHECK(image::write_png(options.alpha_out, grey_picture(frame, alpha)));
  }
  LODE_CHECK(image::write_png(options.out, render::to_image(frame)));
  return drawn;
}

Result<Drawn> draw_sheet(const splat::Scene& scene, const RenderOptions& options) {
  image::Image picture;
  Drawn drawn;
  drawn.milliseconds = milliseconds_of([&] {
    picture = options.duel ? render::duel_grid(scene, how(options))
                           : render::contact_sheet(scene, options.orbit.size, how(options));
  });
  drawn.width = picture.width;
  drawn.height = picture.height;
  LODE_CHECK(image::write_png(options.out, picture));
  return drawn;
}

/// A full turn from the given azimuth on, one frame at a time.
Result<Drawn> draw_turntable(const splat::Scene& scene, const RenderOptions& options) {
  LODE_TRY(const std::unique_ptr<image::AnimationEncoder> encoder,
           image::animation_encoder(options.out, options.frames_per_second));
  Drawn drawn{options.orbit.size, options.orbit.size};
  ThreadPool pool(options.threads);
  render::Renderer renderer(pool);
  render::Frame frame;
  render::Orbit orbit = options.orbit;
  for (int i = 0; i < options.frames; ++i) {
    orbit.azimuth_deg = options.orbit.azimuth_deg +
                        360 * static_cast<float>(i) / static_cast<float>(options.frames);
    image::Image picture;
    drawn.milliseconds += milliseconds_of([&] {
      renderer.draw(scene, render::orbit_camera(orbit),
                    {.background = to_colour(options.background)}, frame);
      picture = render::to_image(frame);
    });
    LODE_CHECK(encoder->add(picture));
  }
  LODE_TRY(const Bytes bytes, encoder->finish());
  LODE_CHECK(write_file(options.out, bytes));
  drawn.extra = {
      {"frames", options.frames}, {"fps", options.frames_per_second}, {"bytes", bytes.size()}};
  return drawn;
}

/// Pictures for `lode fit`; --out is their folder.
Result<Drawn> draw_dataset(const splat::Scene& scene, const RenderOptions& options) {
  Drawn drawn{options.orbit.size, options.orbit.size};
  Result<void> written;
  drawn.milliseconds = milliseconds_of([&] {
    written = fit::write_dataset(
        options.out, scene, fit::dataset_cameras(options.dataset, options.orbit), options.threads);
  });
  LODE_CHECK(written);
  drawn.extra = {{"views", options.dataset}};
  return drawn;
}

Result<Drawn> draw(const splat::Scene& scene, const RenderOptions& options) {
  if (options.dataset > 0) {
    return draw_dataset(scene, options);
  }
  if (names_animation(options)) {
    return draw_turntable(scene, options);
  }
  if (options.sheet != 0 || options.duel) {
    return draw_sheet(scene, options);
  }
  return draw_view(scene, options);
}

void report(const RenderOptions& options, const splat::Scene& scene, const Drawn& drawn) {
  if (options.json) {
    nlohmann::json object = {{"milliseconds", drawn.milliseconds},
                             {"gaussians", scene.size()},
                             {"width", drawn.width},
                             {"height", drawn.height},
                             {"threads", options.threads}};
    object.update(drawn.extra);
    cli::print_json(object);
    return;
  }
  fmt::print("{}: {}x{}, {} gaussians, {:.1f} ms", options.out, drawn.width, drawn.height,
             scene.size(), drawn.milliseconds);
  if (drawn.extra.contains("frames")) {
    fmt::print(" for {} frames, {:.1f} s of animation, {:.2f} MB", options.frames,
               static_cast<double>(options.frames) / options.frames_per_second,
               drawn.extra["bytes"].get<double>() / 1e6);
  }
  fmt::print("\n");
}

int usage(const Error& error) {
  std::fprintf(stderr, "lode: %s\n", error.context.c_str());
  return cli::kUsage;
}

int run(const RenderOptions& options) {
  const auto box = parse_box(options.box);
  if (!box) {
    return usage(box.error());
  }
  if (const auto checked = check_flags(options); !checked) {
    return usage(checked.error());
  }
  const auto file = splat::read_splat(options.in);
  if (!file) {
    return cli::report(file.error());
  }
  splat::Scene scene =
      splat::activate(file->cloud, options.view_dependent ? splat::ColourModel::view_dependent
                                                          : splat::ColourModel::flat);
  if (*box) {
    splat::frame(scene, **box);
  }
  const auto drawn = draw(scene, options);
  if (!drawn) {
    return cli::report(drawn.error());
  }
  report(options, scene, *drawn);
  return cli::kDone;
}

void add_camera_flags(CLI::App& command, RenderOptions& options) {
  command.add_option("--azimuth", options.orbit.azimuth_deg, "Degrees around, 0 at +Z, 90 at +X")
      ->capture_default_str();
  command.add_option("--elevation", options.orbit.elevation_deg, "Degrees; negative is above")
      ->capture_default_str();
  command.add_option("--radius", options.orbit.radius, "Distance from the origin")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--fov", options.orbit.fov_deg, "Field of view in degrees")
      ->check(CLI::Range(1.0, 170.0))
      ->capture_default_str();
  command.add_option("--size", options.orbit.size, "Pixels on a side; of one view of a sheet")
      ->check(CLI::Range(1, 8192))
      ->capture_default_str();
  command.add_option("--box", options.box, "Longest side after framing, or none")
      ->capture_default_str();
  command
      .add_option("--background", options.background,
                  "r,g,b from 0 to 1, or from 0 to 255 when one is above 1")
      ->delimiter(',')
      ->expected(3)
      ->check(CLI::Range(0.0, 255.0));
}

void add_picture_flags(CLI::App& command, RenderOptions& options) {
  auto* sheet = command.add_option("--sheet", options.sheet, "16: the validators' views in 4 rows")
                    ->check(CLI::IsMember({16}));
  auto* duel =
      command.add_flag("--duel", options.duel, "The validators' 2x2 grid")->excludes(sheet);
  command
      .add_flag("--turntable", options.turntable,
                "A full turn from the azimuth on, as a .gif or .webm; either extension implies it")
      ->excludes(sheet)
      ->excludes(duel);
  command
      .add_option("--dataset", options.dataset,
                  "So many views from all sides as RGBA with cameras.json, for lode fit; "
                  "--out names their folder")
      ->check(CLI::Range(1, 1000))
      ->excludes(sheet)
      ->excludes(duel);
  command.add_option("--frames", options.frames, "Frames of a full turn")
      ->check(CLI::Range(1, image::kMaxAnimationFrames))
      ->capture_default_str();
  command
      .add_option(
          "--fps", options.frames_per_second,
          fmt::format("Frames per second, up to {} in a GIF", image::kMaxGifFramesPerSecond))
      ->check(CLI::Range(1, image::kMaxWebmFramesPerSecond))
      ->capture_default_str();
  command.add_option("--depth", options.depth_out,
                     "Also write the view's depth as a PNG, white at the nearest");
  command.add_option("--alpha", options.alpha_out, "Also write the view's coverage as a PNG");
}

}  // namespace

void add_render(CLI::App& app, cli::Action& chosen) {
  auto options = std::make_shared<RenderOptions>();
  CLI::App* command = app.add_subcommand("render", "Draw a splat file as the validators see it");
  command->add_option("in", options->in, "A .ply or .spz file")->required();
  command->add_option("-o,--out", options->out, "The PNG, GIF or WebM to write")->required();
  add_camera_flags(*command, *options);
  add_picture_flags(*command, *options);
  command->add_option("--threads", options->threads, "Threads to render with")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command->add_flag("--sh", options->view_dependent,
                    "Colours that depend on the direction of view, which the validators ignore");
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

}  // namespace lode::commands
