// Solids as signed distance functions: primitives, and operators that combine them.
#pragma once

#include <cmath>
#include <functional>
#include <glm/common.hpp>
#include <glm/geometric.hpp>
#include <glm/mat3x3.hpp>
#include <glm/vec2.hpp>
#include <glm/vec3.hpp>
#include <initializer_list>
#include <vector>

namespace lode::sketch {

/// An axis-aligned box; empty boxes do not occur.
struct Box {
  glm::vec3 min{0};
  glm::vec3 max{0};

  glm::vec3 centre() const { return 0.5F * (min + max); }
  glm::vec3 size() const { return max - min; }
  Box grown(float by) const { return {min - by, max + by}; }
  /// Distance from p to the box, 0 inside.
  float distance(const glm::vec3& p) const {
    const glm::vec3 out = glm::max(glm::max(min - p, p - max), glm::vec3(0));
    return std::sqrt(glm::dot(out, out));
  }
};
/// The smallest box around both.
Box enclose(const Box& a, const Box& b);

/// A solid: negative inside, positive outside, 0 on the surface. |field| is a lower bound of the
/// distance to the surface (up to a few percent) and need not be exact. `bounds` hold the whole
/// surface. Immutable and cheap to copy. Angles are in degrees, counter-clockwise seen from the
/// axis' tip.
class Solid {
 public:
  using Field = std::function<float(const glm::vec3&)>;
  Solid(Field field, const Box& bounds);

  float operator()(const glm::vec3& p) const { return field_(to_field_ * (p - origin_)) * factor_; }
  const Box& bounds() const { return bounds_; }

  Solid at(float x, float y, float z) const { return at(glm::vec3(x, y, z)); }
  Solid at(const glm::vec3& offset) const;
  Solid turned_x(float degrees) const;
  Solid turned_y(float degrees) const;
  Solid turned_z(float degrees) const;
  Solid scaled(float factor) const;
  /// Scaled per axis; the field shrinks by the smallest factor to stay a lower bound.
  Solid stretched(float x, float y, float z) const;
  /// Grown by `radius`, which rounds edges.
  Solid rounded(float radius) const;
  /// A skin of this thickness around the surface.
  Solid shell(float thickness) const;
  /// Together with its mirror image in the plane x = 0 (z = 0).
  Solid mirrored_x() const;
  Solid mirrored_z() const;
  /// `count` copies turned evenly around the Y axis, the first one in place.
  Solid around_y(int count) const;
  /// Copies at offsets 0, step, ..., (count - 1) * step.
  Solid repeated(int count, const glm::vec3& step) const;
  /// Turned around Y by `degrees_per_unit` times height.
  Solid twisted(float degrees_per_unit) const;
  /// Adds a displacement of at most `amplitude` that changes no faster than `slope`.
  Solid displaced(std::function<float(const glm::vec3&)> height, float amplitude,
                  float slope) const;

 private:
  Solid turned(const glm::mat3& rotation) const;

  Field field_;
  // Moves, turns and scales pile up here instead of in layers of functions.
  glm::mat3 to_field_{1};
  glm::vec3 origin_{0};
  float factor_ = 1;  ///< makes up for scaling, so that the field stays a lower bound
  Box bounds_;
};

// Primitives, centred on the origin unless said otherwise.

Solid sphere(float radius);
Solid ellipsoid(float x, float y, float z);
/// Half sizes, with edges rounded by `round` inside those sizes.
Solid box(float x, float y, float z, float round = 0.01F);
/// Along Y, half height, with edges rounded inside those sizes.
Solid cylinder(float radius, float half_height, float round = 0.01F);
/// A truncated cone along Y from radius `bottom` at y = 0 to radius `top` at y = height.
Solid cone(float bottom, float top, float height, float round = 0.0F);
/// Between two points, the radius going from ra at a to rb at b.
Solid capsule(const glm::vec3& a, const glm::vec3& b, float ra, float rb);
/// Around Y: the ring's radius and the tube's.
Solid torus(float ring, float tube);
/// A regular prism along Y: sides, radius to the corners, half height.
Solid prism(int sides, float radius, float half_height, float round = 0.01F);
/// The outline (counter-clockwise or not, closed by itself) turned around Y; x is the distance
/// from the axis and must not be negative.
Solid revolve(std::vector<glm::vec2> outline, float round = 0.0F);
/// The outline in x and y, pulled to z = -half_depth..half_depth.
Solid extrude(std::vector<glm::vec2> outline, float half_depth, float round = 0.0F);
/// A round tube along the points (at least two), the radius going linearly from first to last.
Solid tube(const std::vector<glm::vec3>& points, float first, float last);
Solid tube(const std::vector<glm::vec3>& points, float radius);

// Curves for outlines and tubes.

/// Points on a cubic Bezier curve, ends included.
std::vector<glm::vec3> bezier(const glm::vec3& a, const glm::vec3& b, const glm::vec3& c,
                              const glm::vec3& d, int segments = 14);
/// A Catmull-Rom curve through the points, ends included, `per_span` points for each span.
std::vector<glm::vec2> smooth(const std::vector<glm::vec2>& points, int per_span = 6);
/// Points on an ellipse's arc around `centre`, ends included; 0 degrees is at +x, 90 at +y.
std::vector<glm::vec2> arc(const glm::vec2& centre, float rx, float ry, float from_degrees,
                           float to_degrees, int segments = 12);
/// A star: `tips` outer points of radius `outer`, between them inner points.
std::vector<glm::vec2> star(int tips, float outer, float inner);

// Operators.

Solid unite(std::vector<Solid> solids);
/// Union with a fillet about `fillet` wide.
Solid blend(std::initializer_list<Solid> solids, float fillet);
/// a without b; a fillet above 0 softens the new edge.
Solid cut(const Solid& a, const Solid& b, float fillet = 0.0F);
Solid common(const Solid& a, const Solid& b, float fillet = 0.0F);

/// The unit outward normal: the field's gradient by central differences over +-step.
glm::vec3 normal_at(const Solid& solid, const glm::vec3& p, float step = 1e-3F);

}  // namespace lode::sketch
