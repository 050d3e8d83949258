// Perspective projection of gaussians: EWA splatting with gsplat v1.5.3's constants.
#include <algorithm>
#include <cmath>
#include <glm/geometric.hpp>
#include <glm/gtc/quaternion.hpp>

#include "render/render_internal.h"

namespace lode::render {
namespace {

/// Added to the diagonal of every projected covariance, in square pixels: no splat is thinner
/// than a pixel's footprint.
constexpr float kBlur = 0.3F;

bool is_finite(const splat::Scene& scene, std::size_t i) {
  const glm::vec3 &p = scene.positions[i], &s = scene.scales[i], &c = scene.colours[i];
  const glm::quat& q = scene.rotations[i];
  // The sum is finite unless a parameter is not, or is so large that it cannot be drawn either.
  return std::isfinite(p.x + p.y + p.z + s.x + s.y + s.z + c.x + c.y + c.z + q.x + q.y + q.z + q.w +
                       scene.opacities[i]);
}

/// Covariance on the image plane before the blur: J R Sigma R^T J^T, with the direction of the
/// linearisation point clamped to 0.15 of the field of view beyond the image's border.
glm::vec3 projected_covariance(const glm::mat3& view_axes, const glm::vec3& p,
                               const Camera& camera) {
  const float slack_x = 0.3F * 0.5F * static_cast<float>(camera.width) / camera.fx;
  const float slack_y = 0.3F * 0.5F * static_cast<float>(camera.height) / camera.fy;
  const float inverse_z = 1 / p.z;
  const float tx = std::clamp(p.x * inverse_z, -(camera.cx / camera.fx + slack_x),
                              (static_cast<float>(camera.width) - camera.cx) / camera.fx + slack_x);
  const float ty =
      std::clamp(p.y * inverse_z, -(camera.cy / camera.fy + slack_y),
                 (static_cast<float>(camera.height) - camera.cy) / camera.fy + slack_y);
  const float jx = camera.fx * inverse_z, jy = camera.fy * inverse_z;
  float xx = 0, xy = 0, yy = 0;
  for (int axis = 0; axis < 3;
       ++axis) {  // a column is one scaled principal axis, seen by the camera
    const glm::vec3& v = view_axes[axis];
    const float u = jx * (v.x - tx * v.z);
    const float w = jy * (v.y - ty * v.z);
    xx += u * u;
    xy += u * w;
    yy += w * w;
  }
  return {xx, xy, yy};
}

/// First and one past the last of the pixels 0..size-1 whose centre lies within `reach` of
/// `centre`. Clamped as floats: either bound may be far outside the integers.
void pixel_range(float centre, float reach, int size, int& begin, int& end) {
  const auto limit = static_cast<float>(size);
  begin = static_cast<int>(std::clamp(std::floor(centre - reach), 0.0F, limit));
  end = static_cast<int>(std::clamp(std::ceil(centre + reach), 0.0F, limit));
}

}  // namespace

Splat project(const splat::Scene& scene, std::size_t index, const Camera& camera) {
  Splat splat;
  const float opacity = scene.opacities[index];
  if (!(opacity >= kMinAlpha) || !is_finite(scene, index)) {
    return splat;
  }
  const glm::vec3 p = camera.rotation * scene.positions[index] + camera.translation;
  if (!(p.z >= camera.near_plane && p.z <= camera.far_plane)) {
    return splat;
  }
  glm::mat3 axes = camera.rotation * glm::mat3_cast(scene.rotations[index]);
  for (int axis = 0; axis < 3; ++axis) {
    axes[axis] *= scene.scales[index][axis];
  }
  const glm::vec3 covariance = projected_covariance(axes, p, camera);
  const float xx = covariance.x + kBlur, xy = covariance.y, yy = covariance.z + kBlur;
  const float determinant = xx * yy - xy * xy;
  if (!(determinant > 0) || !std::isfinite(determinant)) {
    return splat;
  }
  splat.centre = {camera.fx * p.x / p.z + camera.cx, camera.fy * p.y / p.z + camera.cy};
  splat.a = yy / determinant;
  splat.b = -xy / determinant;
  splat.c = xx / determinant;
  splat.opacity = opacity;
  splat.colour = scene.colours[index];
  splat.depth = p.z;
  // Beyond this many standard deviations alpha is below kMinAlpha.
  const float deviations = std::sqrt(2 * std::log(opacity / kMinAlpha));
  pixel_range(splat.centre.x, std::ceil(deviations * std::sqrt(xx)), camera.width, splat.x_begin,
              splat.x_end);
  pixel_range(splat.centre.y, std::ceil(deviations * std::sqrt(yy)), camera.height, splat.y_begin,
              splat.y_end);
  return splat;
}

}  // namespace lode::render
