// Objects that the tests of this folder draw and fit.
#pragma once

#include <cmath>
#include <numbers>

#include "base/rng.h"
#include "splat/cloud.h"

namespace lode::dream::test {

/// The skin of an upright ellipsoid, 1.2 high, with bands of colour and a blue front.
inline splat::GaussianCloud banded_egg(std::size_t gaussians = 3000) {
  Rng rng(31);
  splat::GaussianCloud cloud;
  cloud.resize(gaussians);
  for (std::size_t i = 0; i < gaussians; ++i) {
    const double around = 2 * std::numbers::pi * rng.uniform(), height = 2 * rng.uniform() - 1;
    const double ring = std::sqrt(1 - height * height);
    const glm::vec3 unit(ring * std::sin(around), height, ring * std::cos(around));
    cloud.positions[i] = unit * glm::vec3(0.4F, 0.6F, 0.4F);
    cloud.log_scales[i] = glm::vec3(std::log(0.02F));
    cloud.rotations[i] = glm::quat(1, 0, 0, 0);
    cloud.opacity_logits[i] = 4;
    const bool is_band = std::sin(9 * height) > 0;
    const glm::vec3 side = is_band ? glm::vec3(0.8F, 0.2F, 0.1F) : glm::vec3(0.9F, 0.7F, 0.3F);
    const glm::vec3 colour = unit.z > 0.7F ? glm::vec3(0.1F, 0.2F, 0.7F) : side;
    cloud.f_dc[i] = (colour - 0.5F) / splat::kShC0;
  }
  return cloud;
}

}  // namespace lode::dream::test
