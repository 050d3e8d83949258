// The chain rule from activated parameters to the raw ones that files and optimisers hold.
#include <cmath>

#include "base/assert.h"
#include "render/render.h"

namespace lode::render {

void raw_gradient(const splat::GaussianCloud& cloud, const splat::Scene& scene,
                  const SceneGradient& gradient, splat::GaussianCloud& raw) {
  LODE_ASSERT(gradient.positions.size() == cloud.size(), "the gradient is of this cloud's scene");
  raw.sh_degree = cloud.sh_degree;
  raw.resize(cloud.size());
  raw.positions = gradient.positions;
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    raw.log_scales[i] = gradient.scales[i] * scene.scales[i];
    // Normalisation: the part along the quaternion does nothing, the rest shrinks with its length.
    const glm::quat &q = scene.rotations[i], &by = gradient.rotations[i];
    const float along = glm::dot(q, by);
    raw.rotations[i] =
        (by - q * along) / std::sqrt(glm::dot(cloud.rotations[i], cloud.rotations[i]));
    const float opacity = scene.opacities[i];
    // 1 - opacity, without the cancellation.
    const float rest = 1 / (1 + std::exp(cloud.opacity_logits[i]));
    raw.opacity_logits[i] = gradient.opacities[i] * opacity * rest;
    raw.f_dc[i] = splat::kShC0 * gradient.colours[i];
  }
  if (scene.sh_degree) {
    raw.sh_rest = gradient.sh_rest;
  } else {
    std::fill(raw.sh_rest.begin(), raw.sh_rest.end(), 0.0F);
  }
}

}  // namespace lode::render
