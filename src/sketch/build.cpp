// Prompt scenes to clouds: layout, surface sampling, light.
#include <algorithm>

#include "sketch/scene.h"
#include "sketch/sketch.h"

namespace lode::sketch {

splat::GaussianCloud build(const SceneSpec& scene, std::uint64_t seed, const Options& options) {
  const std::vector<PlacedPart> parts = lay_out(scene, seed);
  const std::size_t count = std::clamp(options.gaussians, kFewestGaussians, kMostGaussians);
  return shade(parts, sample_surface(parts, count, Rng(seed)));
}

}  // namespace lode::sketch
