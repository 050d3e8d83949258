// lode info: what a splat file holds.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "lode/commands.h"
#include "splat/splat_file.h"

namespace lode::commands {
namespace {

struct InfoOptions {
  std::string file;
  bool json = false;
};

/// Below this alpha a gaussian is drawn nowhere.
constexpr float kInvisible = 1.0F / 255;

std::size_t count_invisible(const splat::Scene& scene) {
  return static_cast<std::size_t>(
      std::count_if(scene.opacities.begin(), scene.opacities.end(),
                    [](float opacity) { return opacity < kInvisible; }));
}

/// How many values lie in each bucket; bucket i reaches from edges[i] up to edges[i + 1], the first
/// and the last hold what lies outside too.
struct Histogram {
  std::vector<float> edges;
  std::vector<std::size_t> counts;

  std::size_t largest() const {
    return std::max<std::size_t>(1, *std::ranges::max_element(counts));
  }
};

Histogram histogram(const std::vector<float>& values, std::vector<float> edges) {
  Histogram result{std::move(edges), {}};
  result.counts.resize(result.edges.size() - 1);
  for (const float value : values) {
    const auto above = std::upper_bound(result.edges.begin() + 1, result.edges.end() - 1, value);
    ++result.counts[static_cast<std::size_t>(above - result.edges.begin()) - 1];
  }
  return result;
}

std::vector<float> even_edges(float low, float high, int buckets) {
  std::vector<float> edges;
  for (int i = 0; i <= buckets; ++i) {
    edges.push_back(low + (high - low) * static_cast<float>(i) / static_cast<float>(buckets));
  }
  return edges;
}

Histogram opacity_histogram(const splat::Scene& scene) {
  std::vector<float> edges = even_edges(0, 1, 10);
  edges.insert(edges.begin() + 1, kInvisible);
  return histogram(scene.opacities, std::move(edges));
}

/// Of the largest axis of each gaussian.
Histogram log_scale_histogram(const splat::GaussianCloud& cloud) {
  std::vector<float> scales;
  scales.reserve(cloud.size());
  for (const glm::vec3& scale : cloud.log_scales) {
    scales.push_back(std::max({scale.x, scale.y, scale.z}));
  }
  const auto [low, high] = std::ranges::minmax_element(scales);
  return histogram(scales, even_edges(*low, *high, 10));
}

Histogram colour_histogram(const splat::Scene& scene, int channel) {
  std::vector<float> values;
  values.reserve(scene.size());
  for (const glm::vec3& colour : scene.colours) {
    values.push_back(colour[channel]);
  }
  return histogram(values, even_edges(0, 1, 32));
}

/// A bar of `eighths` of a character, drawn with block characters.
std::string bar(std::size_t eighths) {
  constexpr const char* kParts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  std::string text;
  for (std::size_t i = 0; i < eighths / 8; ++i) {
    text += "█";
  }
  return text + kParts[eighths % 8];
}

void print_bars(std::string_view title, const Histogram& data) {
  constexpr std::size_t kBarEighths = 40 * 8;
  fmt::print("\n{}\n", title);
  for (std::size_t i = 0; i < data.counts.size(); ++i) {
    // Rounded up, so that a bucket with anything in it shows something.
    const std::size_t eighths =
        (data.counts[i] * kBarEighths + data.largest() - 1) / data.largest();
    fmt::print("  {:>8.3g} .. {:<8.3g} {:>9}  {}\n", data.edges[i], data.edges[i + 1],
               data.counts[i], bar(eighths));
  }
}

/// One line: a column of one to eight eighths for each bucket, blank for an empty one.
std::string columns(const Histogram& data) {
  constexpr const char* kHeights[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::string text;
  for (const std::size_t count : data.counts) {
    text += kHeights[(count * 8 + data.largest() - 1) / data.largest()];
  }
  return text;
}

void print_text(const splat::SplatFile& file, const splat::Scene& scene) {
  const splat::Bounds box = splat::bounds(file.cloud.positions);
  const std::string_view container = splat::container_of(file.format);
  fmt::print("{}{}{}, {} bytes\n", splat::name_of(file.format), container.empty() ? "" : " ",
             container, file.bytes);
  fmt::print("gaussians  {} ({} invisible)\n", file.cloud.size(), count_invisible(scene));
  fmt::print("SH degree  {}\n", file.cloud.sh_degree);
  fmt::print("bounds     {:.4f} {:.4f} {:.4f} .. {:.4f} {:.4f} {:.4f}, longest side {:.4f}\n",
             box.min.x, box.min.y, box.min.z, box.max.x, box.max.y, box.max.z, box.extent());
  print_bars("opacity", opacity_histogram(scene));
  print_bars("log scale of the largest axis", log_scale_histogram(file.cloud));
  fmt::print("\ncolour, 0 .. 1\n");
  for (int channel = 0; channel < 3; ++channel) {
    fmt::print("  {} |{}|\n", "rgb"[channel], columns(colour_histogram(scene, channel)));
  }
}

nlohmann::json to_json(const Histogram& data) {
  return {{"edges", data.edges}, {"counts", data.counts}};
}

void print_object(const splat::SplatFile& file, const splat::Scene& scene) {
  const splat::Bounds box = splat::bounds(file.cloud.positions);
  nlohmann::json object{
      {"gaussians", file.cloud.size()},
      {"invisible", count_invisible(scene)},
      {"sh_degree", file.cloud.sh_degree},
      {"format", splat::name_of(file.format)},
      {"bytes", file.bytes},
      {"bounds",
       {{"min", {box.min.x, box.min.y, box.min.z}}, {"max", {box.max.x, box.max.y, box.max.z}}}},
      {"histograms",
       {{"opacity", to_json(opacity_histogram(scene))},
        {"log_scale", to_json(log_scale_histogram(file.cloud))}}}};
  if (file.format != splat::FileFormat::ply) {
    object["container"] = splat::container_of(file.format);
  }
  cli::print_json(object);
}

int run(const InfoOptions& options) {
  const auto file = splat::read_splat(options.file);
  if (!file) {
    return cli::report(file.error());
  }
  const splat::Scene scene = splat::activate(file->cloud);
  options.json ? print_object(*file, scene) : print_text(*file, scene);
  return cli::kDone;
}

}  // namespace

void add_info(CLI::App& app, cli::Action& chosen) {
  auto options = std::make_shared<InfoOptions>();
  CLI::App* command = app.add_subcommand("info", "Say what a splat file holds");
  command->add_option("file", options->file, "A .ply or .spz file")->required();
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

}  // namespace lode::commands
