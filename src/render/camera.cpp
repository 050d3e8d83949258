#include "render/camera.h"

#include <cmath>
#include <numbers>

namespace lode::render {

std::optional<glm::ivec2> pixel_of(const Camera& camera, glm::vec3 point) {
  const glm::vec3 p = camera.rotation * point + camera.translation;
  if (p.z <= camera.near_plane) {
    return std::nullopt;
  }
  const glm::vec2 at(camera.fx * p.x / p.z + camera.cx, camera.fy * p.y / p.z + camera.cy);
  if (!(at.x >= 0 && at.y >= 0 && at.x < static_cast<float>(camera.width) &&
        at.y < static_cast<float>(camera.height))) {
    return std::nullopt;
  }
  return glm::ivec2(at);
}

Camera orbit_camera(const Orbit& orbit) {
  // All in double: at 518 pixels an angle rounded to float moves a silhouette by visible amounts of
  // a pixel only when errors add up, and there is no reason to let them.
  constexpr double kRadians = std::numbers::pi / 180;
  const double azimuth = orbit.azimuth_deg * kRadians, phi = orbit.elevation_deg * kRadians;
  const double sin_a = std::sin(azimuth), cos_a = std::cos(azimuth);
  const double sin_p = std::sin(phi), cos_p = std::cos(phi);
  // From the target to the camera, and the camera's right: norm(up x away), which is written out
  // so that it stays defined at the poles.
  const glm::dvec3 away(cos_p * sin_a, -sin_p, cos_p * cos_a);
  const glm::dvec3 right(cos_a, 0, -sin_a);
  const glm::dvec3 up(away.y * right.z - away.z * right.y, away.z * right.x - away.x * right.z,
                      away.x * right.y - away.y * right.x);
  Camera camera;
  for (int axis = 0; axis < 3; ++axis) {  // rows: right, down, forward
    camera.rotation[axis] = glm::vec3(right[axis], -up[axis], -away[axis]);
  }
  camera.translation = {0, 0, orbit.radius};  // the origin is straight ahead
  camera.width = camera.height = orbit.size;
  camera.fx = camera.fy =
      static_cast<float>(orbit.size / (2 * std::tan(orbit.fov_deg * kRadians / 2)));
  const int middle = orbit.size / 2;
  camera.cx = camera.cy = static_cast<float>(middle);
  return camera;
}

std::vector<Camera> validator_cameras(int size) {
  constexpr int kViews = 16;
  std::vector<Camera> cameras;
  for (int i = 0; i < kViews; ++i) {
    Orbit orbit;
    orbit.azimuth_deg = 360.0F * static_cast<float>(i) / (kViews - 1);
    orbit.size = size;
    cameras.push_back(orbit_camera(orbit));
  }
  return cameras;
}

std::vector<Camera> duel_cameras(int size) {
  std::vector<Camera> cameras;
  for (const float azimuth : {24.0F, 120.0F, 216.0F, 312.0F}) {
    Orbit orbit;
    orbit.azimuth_deg = azimuth;
    orbit.size = size;
    cameras.push_back(orbit_camera(orbit));
  }
  return cameras;
}

}  // namespace lode::render
