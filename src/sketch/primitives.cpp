// Distance functions of the primitive solids; derivations in README.md.
#include <algorithm>
#include <cmath>
#include <glm/geometric.hpp>
#include <limits>
#include <numbers>

#include "base/assert.h"
#include "sketch/sdf.h"

namespace lode::sketch {
namespace {

using glm::vec2;
using glm::vec3;

float length_xz(const vec3& p) { return std::sqrt(p.x * p.x + p.z * p.z); }

/// Distance to a rectangle of these half sizes, in two dimensions.
float rectangle(const vec2& p, const vec2& half) {
  const vec2 q = glm::abs(p) - half;
  const vec2 outside = glm::max(q, vec2(0));
  return std::sqrt(glm::dot(outside, outside)) + std::min(std::max(q.x, q.y), 0.0F);
}

/// An edge of an outline, with what the distance to it needs.
struct Edge {
  vec2 a, ab;
  float inverse_length2;
  bool is_surface;  ///< false for edges on the axis of a solid of revolution
};

/// With `on_axis`, edges lying on x = 0 are not surface: there the outline meets its own
/// continuation on the other side of the axis.
std::vector<Edge> edges_of(const std::vector<vec2>& outline, bool on_axis) {
  std::vector<Edge> edges;
  for (std::size_t i = 0; i < outline.size(); ++i) {
    const vec2 a = outline[i], ab = outline[(i + 1) % outline.size()] - a;
    const bool is_axis = on_axis && a.x <= 0 && a.x + ab.x <= 0;
    edges.push_back({a, ab, 1.0F / glm::dot(ab, ab), !is_axis});
  }
  return edges;
}

/// An outline for many distance queries: its edges in short runs with their bounds, since most
/// runs are too far away to matter for a point.
class Polygon {
 public:
  Polygon(const std::vector<vec2>& outline, bool on_axis) : edges_(edges_of(outline, on_axis)) {
    for (std::size_t i = 0; i < edges_.size(); i += kRun) {
      Run run{edges_[i].a, edges_[i].a, i, std::min(i + kRun, edges_.size())};
      for (std::size_t k = run.first; k < run.end; ++k) {
        run.min = glm::min(run.min, glm::min(edges_[k].a, edges_[k].a + edges_[k].ab));
        run.max = glm::max(run.max, glm::max(edges_[k].a, edges_[k].a + edges_[k].ab));
      }
      runs_.push_back(run);
    }
  }

  /// Signed distance: negative inside.
  float distance(const vec2& p) const {
    float least = std::numeric_limits<float>::max();
    bool is_inside = false;
    for (const Run& run : runs_) {
      const vec2 out = glm::max(glm::max(run.min - p, p - run.max), vec2(0));
      const bool may_cross = p.y >= run.min.y && p.y <= run.max.y && p.x <= run.max.x;
      if (may_cross || glm::dot(out, out) < least) {
        visit(run, p, least, is_inside);
      }
    }
    return is_inside ? -std::sqrt(least) : std::sqrt(least);
  }

 private:
  static constexpr std::size_t kRun = 6;
  struct Run {
    vec2 min, max;
    std::size_t first, end;
  };

  void visit(const Run& run, const vec2& p, float& least, bool& is_inside) const {
    for (std::size_t i = run.first; i < run.end; ++i) {
      const Edge& edge = edges_[i];
      const vec2 ap = p - edge.a;
      if (edge.is_surface) {
        const float along = glm::dot(ap, edge.ab) * edge.inverse_length2;
        const vec2 gap = ap - std::clamp(along, 0.0F, 1.0F) * edge.ab;
        least = std::min(least, glm::dot(gap, gap));
      }
      // A ray towards +x crosses the edges that straddle p's height to the right of p.
      if ((ap.y < 0) != (ap.y < edge.ab.y)) {
        const float side = ap.x * edge.ab.y - edge.ab.x * ap.y;
        is_inside = is_inside != (edge.ab.y > 0 ? side < 0 : side > 0);
      }
    }
  }

  std::vector<Edge> edges_;
  std::vector<Run> runs_;
};

/// Drops repeated points, whose edges have no direction.
std::vector<vec2> without_repeats(const std::vector<vec2>& outline) {
  std::vector<vec2> kept;
  for (const vec2& point : outline) {
    if (kept.empty() || glm::distance(kept.back(), point) > 1e-6F) {
      kept.push_back(point);
    }
  }
  while (kept.size() > 1 && glm::distance(kept.front(), kept.back()) <= 1e-6F) {
    kept.pop_back();
  }
  LODE_ASSERT(kept.size() >= 3, "an outline needs three points");
  return kept;
}

struct Range2 {
  vec2 min, max;
};

Range2 range(const std::vector<vec2>& points) {
  Range2 r{points.front(), points.front()};
  for (const vec2& point : points) {
    r.min = glm::min(r.min, point);
    r.max = glm::max(r.max, point);
  }
  return r;
}

}  // namespace

Solid sphere(float radius) {
  return {[radius](const vec3& p) { return std::sqrt(glm::dot(p, p)) - radius; },
          {vec3(-radius), vec3(radius)}};
}

Solid ellipsoid(float x, float y, float z) {
  const vec3 radii(x, y, z);
  const float least = std::min({x, y, z});
  // With k0 = |p / radii|: outside, first-order distance (k0 - 1) / |grad k0|, which is a lower
  // bound as k0 is convex; inside, (k0 - 1) * least radius, a bound as k0 changes no faster.
  return {[radii, least](const vec3& p) {
            const vec3 q = p / radii, g = q / radii;
            const float k0 = std::sqrt(glm::dot(q, q));
            return k0 < 1 ? (k0 - 1) * least : k0 * (k0 - 1) / std::sqrt(glm::dot(g, g));
          },
          {-radii, radii}};
}

Solid box(float x, float y, float z, float round) {
  const vec3 half(x, y, z);
  const float r = std::min(round, 0.999F * std::min({x, y, z}));
  return {[core = half - r, r](const vec3& p) {
            const vec3 q = glm::abs(p) - core, outside = glm::max(q, vec3(0));
            return std::sqrt(glm::dot(outside, outside)) +
                   std::min(std::max({q.x, q.y, q.z}), 0.0F) - r;
          },
          {-half, half}};
}

Solid cylinder(float radius, float half_height, float round) {
  const float r = std::min(round, 0.999F * std::min(radius, half_height));
  const vec2 core(radius - r, half_height - r);
  return {[core, r](const vec3& p) {
            return rectangle({length_xz(p), p.y}, core) - r;
          },
          {{-radius, -half_height, -radius}, {radius, half_height, radius}}};
}

Solid cone(float bottom, float top, float height, float round) {
  // Rounding grows the outline, so it starts from one that is smaller by the same amount.
  const float r = std::min(round, 0.45F * height);
  const auto inset = [r](float radius) { return std::max(radius - r, 0.0F); };
  return revolve({{0, r}, {inset(bottom), r}, {inset(top), height - r}, {0, height - r}}, r);
}

Solid capsule(const vec3& a, const vec3& b, float ra, float rb) {
  const vec3 ab = b - a;
  const float length2 = std::max(glm::dot(ab, ab), 1e-12F);
  // The radius changes along the segment, which the field must not outrun.
  const float taper = (ra - rb) * (ra - rb) / length2;
  const float slow = 1.0F / std::sqrt(1.0F + taper);
  const Box ends = enclose({a - ra, a + ra}, {b - rb, b + rb});
  return {[a, ab, length2, ra, rb, slow](const vec3& p) {
            const vec3 ap = p - a;
            const float along = std::clamp(glm::dot(ap, ab) / length2, 0.0F, 1.0F);
            const vec3 gap = ap - along * ab;
            return (std::sqrt(glm::dot(gap, gap)) - (ra + along * (rb - ra))) * slow;
          },
          ends};
}

Solid torus(float ring, float tube) {
  const float r = ring + tube;
  return {[ring, tube](const vec3& p) {
            const vec2 q(length_xz(p) - ring, p.y);
            return std::sqrt(glm::dot(q, q)) - tube;
          },
          {{-r, -tube, -r}, {r, tube, r}}};
}

Solid prism(int sides, float radius, float half_height, float round) {
  LODE_ASSERT(sides >= 3, "a prism has three sides or more");
  std::vector<vec2> outline;
  for (int i = 0; i < sides; ++i) {
    const float angle = std::numbers::pi_v<float> *
                        (2.0F * static_cast<float>(i) / static_cast<float>(sides) + 0.5F);
    outline.emplace_back(radius * std::cos(angle), radius * std::sin(angle));
  }
  return extrude(outline, half_height, round).turned_x(-90);
}

Solid revolve(const std::vector<vec2>& outline, float round) {
  const std::vector<vec2> points = without_repeats(outline);
  const Range2 r = range(points);
  LODE_ASSERT(r.min.x >= 0, "an outline of revolution stays on one side of the axis");
  const Box bounds{{-r.max.x, r.min.y, -r.max.x}, {r.max.x, r.max.y, r.max.x}};
  return {[outline = Polygon(points, true), round](const vec3& p) {
            return outline.distance({length_xz(p), p.y}) - round;
          },
          bounds.grown(round)};
}

Solid extrude(const std::vector<vec2>& outline, float half_depth, float round) {
  const std::vector<vec2> points = without_repeats(outline);
  const Range2 r = range(points);
  const float core = std::max(half_depth - round, 1e-3F);
  const Box bounds{{r.min.x - round, r.min.y - round, -core - round},
                   {r.max.x + round, r.max.y + round, core + round}};
  return {[outline = Polygon(points, false), core, round](const vec3& p) {
            const vec2 q(outline.distance({p.x, p.y}), std::abs(p.z) - core);
            const vec2 outside = glm::max(q, vec2(0));
            return std::sqrt(glm::dot(outside, outside)) + std::min(std::max(q.x, q.y), 0.0F) -
                   round;
          },
          bounds};
}

Solid tube(const std::vector<vec3>& points, float first, float last) {
  LODE_ASSERT(points.size() >= 2, "a tube needs two points");
  std::vector<Solid> pieces;
  const auto spans = static_cast<float>(points.size() - 1);
  for (std::size_t i = 0; i + 1 < points.size(); ++i) {
    const float from = static_cast<float>(i) / spans, to = static_cast<float>(i + 1) / spans;
    pieces.push_back(capsule(points[i], points[i + 1], first + from * (last - first),
                             first + to * (last - first)));
  }
  return unite(std::move(pieces));
}

Solid tube(const std::vector<vec3>& points, float radius) { return tube(points, radius, radius); }

}  // namespace lode::sketch
