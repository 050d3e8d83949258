// Renders objects of the sketch to one contact sheet, to look at:
//   sketch_sheet OUT.png [--tile N] [--columns N] [--azimuth D] [--elevation D] [--radius R]
//                [--seed S] [--seeds N] [--gaussians N] [PROMPT ...]
// Without prompts every noun is drawn; --seeds draws each that many times with seeds S, S+1, ...
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "image/codec.h"
#include "render/render.h"
#include "sketch/sketch.h"

namespace {

struct Arguments {
  std::string out;
  std::map<std::string, double> numbers = {
      {"--tile", 200},    {"--columns", 9}, {"--azimuth", 30}, {"--elevation", -15},
      {"--radius", 2.75}, {"--seed", 1},    {"--seeds", 1},    {"--gaussians", 30000}};
  std::vector<std::string> prompts;
};

Arguments parse_arguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto number = arguments.numbers.find(word);
    if (number != arguments.numbers.end() && i + 1 < argc) {
      number->second = std::atof(argv[++i]);
    } else if (arguments.out.empty()) {
      arguments.out = word;
    } else {
      arguments.prompts.push_back(word);
    }
  }
  return arguments;
}

lode::image::Image draw(const std::string& prompt, std::uint64_t seed, const Arguments& arguments) {
  const auto understanding = lode::sketch::parse_prompt(prompt);
  const auto gaussians = static_cast<std::size_t>(arguments.numbers.at("--gaussians"));
  auto scene = lode::splat::activate(lode::sketch::build(understanding.scene, seed, {gaussians}));
  lode::render::Orbit orbit;
  orbit.azimuth_deg = static_cast<float>(arguments.numbers.at("--azimuth"));
  orbit.elevation_deg = static_cast<float>(arguments.numbers.at("--elevation"));
  orbit.radius = static_cast<float>(arguments.numbers.at("--radius"));
  // Rendered twice as large and shrunk: the sheet is for people.
  orbit.size = 2 * static_cast<int>(arguments.numbers.at("--tile"));
  const auto frame = lode::render::render(scene, lode::render::orbit_camera(orbit));
  return lode::image::resize(lode::render::to_image(frame), orbit.size / 2, orbit.size / 2);
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments = parse_arguments(argc, argv);
  if (arguments.out.empty()) {
    std::fprintf(stderr, "usage: sketch_sheet OUT.png [options] [PROMPT ...]\n");
    return 2;
  }
  if (arguments.prompts.empty()) {
    arguments.prompts = lode::sketch::nouns();
  }
  std::vector<lode::image::Image> tiles;
  const auto seeds = static_cast<std::uint64_t>(arguments.numbers.at("--seeds"));
  for (const std::string& prompt : arguments.prompts) {
    for (std::uint64_t i = 0; i < seeds; ++i) {
      tiles.push_back(
          draw(prompt, static_cast<std::uint64_t>(arguments.numbers.at("--seed")) + i, arguments));
    }
  }
  const auto sheet = lode::image::tile(tiles, static_cast<int>(arguments.numbers.at("--columns")),
                                       2, {255, 255, 255});
  if (const auto written = lode::image::write_png(arguments.out, sheet); !written) {
    std::fprintf(stderr, "%s\n", written.error().message().c_str());
    return 1;
  }
  return 0;
}
