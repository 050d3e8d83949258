#include "splat/cloud.h"

#include <algorithm>
#include <cmath>
#include <glm/common.hpp>

#include "base/assert.h"

namespace lode::splat {

void GaussianCloud::resize(std::size_t count) {
  positions.resize(count, glm::vec3(0));
  log_scales.resize(count, glm::vec3(0));
  rotations.resize(count, glm::quat(1, 0, 0, 0));
  opacity_logits.resize(count, 0.0F);
  f_dc.resize(count, glm::vec3(0));
  sh_rest.resize(count * sh_rest_count(sh_degree) * 3, 0.0F);
}

void GaussianCloud::append(const GaussianCloud& other, std::size_t index) {
  LODE_ASSERT(other.sh_degree == sh_degree, "appended gaussians have the cloud's SH degree");
  LODE_ASSERT(index < other.size(), "the appended gaussian exists");
  positions.push_back(other.positions[index]);
  log_scales.push_back(other.log_scales[index]);
  rotations.push_back(other.rotations[index]);
  opacity_logits.push_back(other.opacity_logits[index]);
  f_dc.push_back(other.f_dc[index]);
  const std::size_t rest = static_cast<std::size_t>(sh_rest_count(sh_degree)) * 3;
  for (std::size_t i = 0; i < rest; ++i) {
    sh_rest.push_back(other.sh_rest[index * rest + i]);
  }
}

float Bounds::extent() const {
  const glm::vec3 size = max - min;
  return std::max({size.x, size.y, size.z});
}

Bounds bounds(const std::vector<glm::vec3>& positions) {
  if (positions.empty()) {
    return {};
  }
  Bounds box{positions.front(), positions.front()};
  for (const glm::vec3& p : positions) {
    box.min = glm::min(box.min, p);
    box.max = glm::max(box.max, p);
  }
  return box;
}

void activate(const GaussianCloud& cloud, ColourModel colours, Scene& scene) {
  const std::size_t count = cloud.size();
  scene.positions = cloud.positions;
  scene.scales.resize(count);
  scene.rotations.resize(count);
  scene.opacities.resize(count);
  scene.colours.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const glm::vec3& s = cloud.log_scales[i];
    scene.scales[i] = {std::exp(s.x), std::exp(s.y), std::exp(s.z)};
    const glm::quat& q = cloud.rotations[i];
    // A zero quaternion divides to NaN on purpose: like theirs, it has no direction to draw.
    scene.rotations[i] = q / std::sqrt(glm::dot(q, q));
    scene.opacities[i] = 1 / (1 + std::exp(-cloud.opacity_logits[i]));
    scene.colours[i] = 0.5F + kShC0 * cloud.f_dc[i];
  }
  if (colours == ColourModel::view_dependent) {
    scene.sh_degree = cloud.sh_degree;
    scene.sh_rest = cloud.sh_rest;
  } else {
    scene.sh_degree.reset();
    scene.sh_rest.clear();
  }
}

Scene activate(const GaussianCloud& cloud, ColourModel colours) {
  Scene scene;
  activate(cloud, colours, scene);
  return scene;
}

void frame(Scene& scene, float box) {
  const float extent = bounds(scene.positions).extent();
  if (!(extent > 0)) {
    return;
  }
  const float scaling = box / extent;
  double sum = 0;
  for (const glm::vec3& p : scene.positions) {
    sum += static_cast<double>(p.x) + p.y + p.z;
  }
  const auto mean = static_cast<float>(sum / (3.0 * static_cast<double>(scene.size())));
  for (std::size_t i = 0; i < scene.size(); ++i) {
    scene.positions[i] = (scene.positions[i] - mean) * scaling;
    scene.scales[i] *= scaling;
    scene.opacities[i] = std::clamp(scene.opacities[i] / scaling, 0.0F, 1.0F);
  }
}

}  // namespace lode::splat
