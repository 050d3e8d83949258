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

float longest(const glm::vec3& v) { return std::max({v.x, v.y, v.z}); }

std::vector<float> longest_scales(const splat::Scene& scene) {
  std::vector<float> scales;
  for (const glm::vec3& scale : scene.scales) {
    scales.push_back(longest(scale));
  }
  return scales;
}

/// Prints one bar a bucket; bucket i holds the values from edges[i] up to edges[i + 1].
void print_histogram(std::string_view title, const std::vector<float>& values,
                     const std::vector<float>& edges) {
  constexpr std::size_t kBarWidth = 40;
  std::vector<std::size_t> counts(edges.size() - 1);
  for (const float value : values) {
    const auto above = std::upper_bound(edges.begin() + 1, edges.end() - 1, value);
    ++counts[static_cast<std::size_t>(above - edges.begin()) - 1];
  }
  const std::size_t largest =
      std::max<std::size_t>(1, *std::max_element(counts.begin(), counts.end()));
  fmt::print("\n{}\n", title);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const std::size_t length = (counts[i] * kBarWidth + largest - 1) / largest;
    fmt::print("  {:>8.3g} .. {:<8.3g} {:>9}  {}\n", edges[i], edges[i + 1], counts[i],
               std::string(length, '#'));
  }
}

std::vector<float> opacity_edges() {
  std::vector<float> edges{0, kInvisible};
  for (int i = 1; i <= 10; ++i) {
    edges.push_back(static_cast<float>(i) / 10);
  }
  return edges;
}

/// Ten buckets, each the same factor wider than the one before.
std::vector<float> scale_edges(const std::vector<float>& scales) {
  const auto [low, high] = std::minmax_element(scales.begin(), scales.end());
  const float first = std::log(std::max(*low, 1e-12F)), last = std::log(std::max(*high, 1e-12F));
  std::vector<float> edges;
  for (int i = 0; i <= 10; ++i) {
    edges.push_back(std::exp(first + (last - first) * static_cast<float>(i) / 10));
  }
  return edges;
}

void print_text(const splat::SplatFile& file, const splat::Scene& scene) {
  const splat::Bounds box = splat::bounds(file.cloud.positions);
  fmt::print("{}, {} bytes\n", splat::name_of(file.format), file.bytes);
  fmt::print("gaussians  {} ({} invisible)\n", file.cloud.size(), count_invisible(scene));
  fmt::print("SH degree  {}\n", file.cloud.sh_degree);
  fmt::print("bounds     {:.4f} {:.4f} {:.4f} .. {:.4f} {:.4f} {:.4f}, longest side {:.4f}\n",
             box.min.x, box.min.y, box.min.z, box.max.x, box.max.y, box.max.z, box.extent());
  print_histogram("opacity", scene.opacities, opacity_edges());
  const std::vector<float> scales = longest_scales(scene);
  print_histogram("largest standard deviation", scales, scale_edges(scales));
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
       {{"min", {box.min.x, box.min.y, box.min.z}}, {"max", {box.max.x, box.max.y, box.max.z}}}}};
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
