// Compound solids and patterns that objects of several families share.
#pragma once

#include <glm/vec2.hpp>
#include <glm/vec3.hpp>
#include <vector>

#include "sketch/kit.h"

namespace lode::sketch {

/// An open vessel: the outer contour from the bottom's centre (x = 0) up to the rim, hollowed
/// with this wall.
Solid vessel(const std::vector<glm::vec2>& contour, float wall);

/// A blade along +Y from the origin: a flat ellipse of this length and width, `thick` at its
/// middle, bowed by `bow` towards +Z at its tip (negative: backwards).
Solid leaf(float length, float width, float thick, float bow = 0.0F);

/// A drop that stands on the origin, pointed at the top.
Solid flame(float height);

/// A wheel whose axle runs along X through (x, y, z): tyre and hub.
void add_wheel(Kit& kit, const glm::vec3& centre, float radius, float width, const Paint& hub);

/// A round eye at a point of a surface, looking along `gaze`.
void add_eye(Kit& kit, const glm::vec3& at, const glm::vec3& gaze, float radius);

/// `other` between two heights, the paint's colour elsewhere.
Paint::Pattern band(float low, float high, const glm::vec3& other);

/// `other` where the normal looks towards the Y axis and p is above `floor`: a vessel's inside.
Paint::Pattern inside(float floor, const glm::vec3& other);

}  // namespace lode::sketch
