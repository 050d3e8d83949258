// Pinhole cameras in the validators' convention.
#pragma once

#include <glm/mat3x3.hpp>
#include <glm/vec2.hpp>
#include <glm/vec3.hpp>
#include <optional>
#include <vector>

namespace lode::render {

/// World-to-camera rotation and translation with OpenCV axes (x right, y down, z forward).
struct Camera {
  glm::mat3 rotation{1};  ///< glm is column-major: p_camera = rotation * p_world + translation
  glm::vec3 translation{0};
  float fx = 0, fy = 0;  ///< focal lengths, pixels
  float cx = 0, cy = 0;  ///< principal point, pixels
  int width = 0, height = 0;
  float near_plane = 0.01F;
  float far_plane = 100.0F;
};

/// The pixel (column, row) that shows a world point; nothing for one nearer than the near plane or
/// outside of the picture.
std::optional<glm::ivec2> pixel_of(const Camera& camera, glm::vec3 point);

/// A camera on a sphere around the origin, looking at it, up = +Y. Defaults are the validators'.
struct Orbit {
  float azimuth_deg = 0;      ///< 0 is at +Z, 90 at +X
  float elevation_deg = -15;  ///< their phi: negative is *above* the object
  float radius = 2.5F;
  float fov_deg = 49.1F;  ///< vertical and horizontal, images are square
  int size = 518;         ///< pixels; the principal point is size / 2 rounded down, as theirs
};
Camera orbit_camera(const Orbit& orbit);

/// The 16 scoring views: azimuth linspace(0, 360, 16) inclusive (steps of 24 degrees; the last
/// repeats the first), elevation -15.
std::vector<Camera> validator_cameras(int size = 518);

/// The four views of the duel grid: azimuths 24, 120, 216, 312.
std::vector<Camera> duel_cameras(int size = 518);

}  // namespace lode::render
