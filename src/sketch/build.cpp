// Prompt scenes to clouds: layout, surface sampling, light.
#include <algorithm>
#include <cmath>

#include "sketch/scene.h"
#include "sketch/sketch.h"

namespace lode::sketch {

namespace {

/// Centres the cloud and scales its longest side to the frame: the layout knows only bounds that
/// hold the parts with some room.
void fit_to_frame(splat::GaussianCloud& cloud) {
  const splat::Bounds bounds = splat::bounds(cloud.positions);
  if (bounds.extent() <= 0) {
    return;
  }
  const float scale = kSceneExtent / bounds.extent();
  const glm::vec3 centre = 0.5F * (bounds.min + bounds.max);
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    cloud.positions[i] = (cloud.positions[i] - centre) * scale;
    cloud.log_scales[i] += std::log(scale);
  }
}

}  // namespace

splat::GaussianCloud build(const SceneSpec& scene, std::uint64_t seed, const Options& options) {
  const std::vector<PlacedPart> parts = lay_out(scene, seed);
  const std::size_t count = std::clamp(options.gaussians, kFewestGaussians, kMostGaussians);
  splat::GaussianCloud cloud =
      shade(parts, sample_surface(parts, count, Rng(seed), options.stop), options.stop);
  fit_to_frame(cloud);
  return cloud;
}

}  // namespace lode::sketch
