// Clouds for tests.
#pragma once

#include "base/rng.h"
#include "splat/cloud.h"

namespace lode::test {

/// `count` random gaussians within +-1 whose parameters exercise every field.
inline splat::GaussianCloud random_cloud(Rng& rng, std::size_t count, int sh_degree = 0) {
  const auto number = [&rng](double low, double high) {
    return static_cast<float>(rng.uniform(low, high));
  };
  splat::GaussianCloud cloud;
  cloud.sh_degree = sh_degree;
  cloud.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    cloud.positions[i] = {number(-1, 1), number(-1, 1), number(-1, 1)};
    cloud.log_scales[i] = {number(-6, -2), number(-6, -2), number(-6, -2)};
    cloud.rotations[i] = glm::quat(number(-1, 1), number(-1, 1), number(-1, 1), number(0.1, 1));
    cloud.opacity_logits[i] = number(-5, 6);
    cloud.f_dc[i] = {number(-1.8, 1.8), number(-1.8, 1.8), number(-1.8, 1.8)};
  }
  for (float& value : cloud.sh_rest) {
    value = number(-0.9, 0.9);
  }
  return cloud;
}

}  // namespace lode::test
