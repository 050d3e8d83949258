#include "sketch/shapes.h"

#include <algorithm>
#include <cmath>
#include <glm/geometric.hpp>

namespace lode::sketch {

using glm::vec2;
using glm::vec3;

Solid vessel(const std::vector<vec2>& contour, float wall) {
  std::vector<vec2> outline = contour;
  const float floor = contour.front().y + 1.3F * wall;
  for (auto point = contour.rbegin(); point != contour.rend(); ++point) {
    if (point->y >= floor) {
      outline.emplace_back(std::max(point->x - wall, 0.0F), point->y);
    }
  }
  outline.emplace_back(std::max(0.6F * outline.back().x, 0.0F), floor);
  outline.emplace_back(0.0F, floor);
  return revolve(outline, 0.25F * wall);
}

Solid leaf(float length, float width, float thick, float bow) {
  Solid flat = ellipsoid(0.5F * width, 0.5F * length, 0.5F * thick).at(0, 0.5F * length, 0);
  if (bow == 0) {
    return flat;
  }
  // Sheared along z by bow * (y / length)^2, whose slope is at most 2 bow / length.
  const float slow = 1.0F / std::sqrt(1 + std::pow(2 * bow / length, 2.0F));
  Box bounds = flat.bounds();
  bounds.min.z += std::min(bow, 0.0F);
  bounds.max.z += std::max(bow, 0.0F);
  return {[flat, length, bow, slow](const vec3& p) {
            const float along = std::clamp(p.y / length, 0.0F, 1.0F);
            return flat({p.x, p.y, p.z - bow * along * along}) * slow;
          },
          bounds};
}

Solid flame(float height) {
  return revolve(smooth({{0, 0},
                         {0.16F * height, 0.10F * height},
                         {0.20F * height, 0.30F * height},
                         {0.10F * height, 0.62F * height},
                         {0, height}}));
}

void add_wheel(Kit& kit, const vec3& centre, float radius, float width, const Paint& hub) {
  const Paint tyre = Kit::fixed(0x26272A, Finish::matte);
  kit.add(cylinder(radius, 0.5F * width, 0.2F * width).turned_z(90).at(centre), tyre);
  kit.add(cylinder(0.58F * radius, 0.5F * width + 0.012F, 0.01F).turned_z(90).at(centre), hub);
  kit.add(cylinder(0.16F * radius, 0.5F * width + 0.028F, 0.01F).turned_z(90).at(centre),
          hub.shaded(0.55F));
}

void add_eye(Kit& kit, const vec3& at, const vec3& gaze, float radius) {
  const vec3 ahead = glm::normalize(gaze);
  kit.add(sphere(radius).at(at), Kit::fixed(0xFAFAF7, Finish::ceramic));
  kit.add(sphere(0.68F * radius).at(at + ahead * (0.45F * radius)),
          Kit::fixed(0x17171A, Finish::ceramic));
  const vec3 glint = ahead * (1.0F * radius) + vec3(0.25F, 0.35F, 0.0F) * radius;
  kit.add(sphere(0.20F * radius).at(at + glint), Kit::fixed(0xFFFFFF, Finish::glow));
}

Paint::Pattern band(float low, float high, const vec3& other) {
  return [low, high, other](const vec3& p, const vec3&, const vec3& colour) {
    return p.y > low && p.y < high ? other : colour;
  };
}

Paint::Pattern inside(float floor, const vec3& other) {
  return [floor, other](const vec3& p, const vec3& n, const vec3& colour) {
    const bool faces_axis = p.x * n.x + p.z * n.z < -0.2F * std::sqrt(p.x * p.x + p.z * p.z);
    return p.y > floor && (faces_axis || (n.y > 0.9F && p.y < 3 * floor)) ? other : colour;
  };
}

}  // namespace lode::sketch
