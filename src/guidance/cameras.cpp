#include "guidance/cameras.h"

#include <cmath>
#include <numbers>

namespace lode::guidance {

namespace {

double radians(double degrees) { return degrees * std::numbers::pi / 180; }

}  // namespace

std::array<float, 16> mvdream_camera(const render::Orbit& orbit) {
  const double azimuth = radians(orbit.azimuth_deg + 90.0);
  const double above = radians(-static_cast<double>(orbit.elevation_deg));
  const double s = std::sin(azimuth);
  const double c = std::cos(azimuth);
  const double high = std::sin(above);
  const double flat = std::cos(above);
  // Columns of the camera in OpenGL's world, y up; at distance 1 the last two are equal.
  const std::array<double, 3> right = {c, 0, -s};
  const std::array<double, 3> up = {-high * s, flat, -high * c};
  const std::array<double, 3> back = {flat * s, high, flat * c};
  const auto row = [&](std::size_t axis, double sign) {
    return std::array<float, 4>{
        static_cast<float>(sign * right[axis]), static_cast<float>(sign * up[axis]),
        static_cast<float>(sign * back[axis]), static_cast<float>(sign * back[axis])};
  };
  const std::array<float, 4> x = row(0, 1);
  const std::array<float, 4> y = row(2, -1);
  const std::array<float, 4> z = row(1, 1);
  return {x[0], x[1], x[2], x[3], y[0], y[1], y[2], y[3], z[0], z[1], z[2], z[3], 0, 0, 0, 1};
}

std::array<float, 4> zero123_pose(const render::Orbit& orbit, float picture_elevation_deg,
                                  Zero123Kind kind) {
  const double azimuth = radians(orbit.azimuth_deg);
  const double rise = static_cast<double>(orbit.elevation_deg) - picture_elevation_deg;
  const double last = kind == Zero123Kind::stable ? radians(90.0 + picture_elevation_deg) : 0;
  return {static_cast<float>(radians(rise)), static_cast<float>(std::sin(azimuth)),
          static_cast<float>(std::cos(azimuth)), static_cast<float>(last)};
}

}  // namespace lode::guidance
