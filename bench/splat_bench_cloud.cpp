// The generated cloud that the splat benchmarks measure on.
#include <cmath>
#include <numbers>

#include "base/rng.h"
#include "bench/splat_bench.h"

namespace lode::bench {

splat::GaussianCloud sphere_cloud(std::size_t count) {
  Rng rng(1);
  splat::GaussianCloud cloud;
  cloud.resize(count);
  const double spacing = std::sqrt(4 * std::numbers::pi * 0.7 * 0.7 / static_cast<double>(count));
  for (std::size_t i = 0; i < count; ++i) {
    const double height = rng.uniform(-1, 1), angle = rng.uniform(0, 2 * std::numbers::pi);
    const double ring = std::sqrt(1 - height * height);
    const double radius = 0.7 + 0.04 * std::sin(9 * angle) * ring;
    const glm::vec3 outwards(ring * std::cos(angle), height, ring * std::sin(angle));
    cloud.positions[i] = outwards * static_cast<float>(radius);
    const auto wide = static_cast<float>(std::log(spacing * rng.uniform(0.6, 1.6)));
    cloud.log_scales[i] = {wide, wide, static_cast<float>(std::log(spacing * 0.2))};
    cloud.rotations[i] = glm::quat(glm::vec3(0, 0, 1), outwards);
    cloud.opacity_logits[i] = static_cast<float>(rng.uniform(1, 6));
    cloud.f_dc[i] = outwards;
  }
  return cloud;
}

}  // namespace lode::bench
