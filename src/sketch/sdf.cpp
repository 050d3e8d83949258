#include "sketch/sdf.h"

#include <algorithm>
#include <cmath>
#include <glm/geometric.hpp>
#include <glm/trigonometric.hpp>
#include <limits>
#include <numbers>

#include "base/assert.h"

namespace lode::sketch {
namespace {

using glm::vec2;
using glm::vec3;

constexpr float kPi = std::numbers::pi_v<float>;

float smooth_min(float a, float b, float k) {
  // Quadratic polynomial smooth minimum: 1-Lipschitz whenever a and b are.
  const float h = std::max(k - std::abs(a - b), 0.0F) / k;
  return std::min(a, b) - h * h * k * 0.25F;
}

vec3 turn_y(const vec3& p, float radians) {
  const float c = std::cos(radians), s = std::sin(radians);
  return {c * p.x + s * p.z, p.y, -s * p.x + c * p.z};
}

/// The box of everything `p` can become when turned around Y.
Box swept_around_y(const Box& box) {
  const float x = std::max(std::abs(box.min.x), std::abs(box.max.x));
  const float z = std::max(std::abs(box.min.z), std::abs(box.max.z));
  const float r = std::sqrt(x * x + z * z);
  return {{-r, box.min.y, -r}, {r, box.max.y, r}};
}

}  // namespace

Box enclose(const Box& a, const Box& b) { return {glm::min(a.min, b.min), glm::max(a.max, b.max)}; }

Solid::Solid(Field field, const Box& bounds) : field_(std::move(field)), bounds_(bounds) {}

Solid Solid::at(const vec3& offset) const {
  Solid moved = *this;
  moved.origin_ += offset;
  moved.bounds_ = {bounds_.min + offset, bounds_.max + offset};
  return moved;
}

Solid Solid::turned(const glm::mat3& rotation) const {
  Solid turned = *this;
  turned.to_field_ = to_field_ * glm::transpose(rotation);
  turned.origin_ = rotation * origin_;
  const vec3 centre = rotation * bounds_.centre(), half = 0.5F * bounds_.size();
  const vec3 new_half = glm::abs(rotation[0]) * half.x + glm::abs(rotation[1]) * half.y +
                        glm::abs(rotation[2]) * half.z;
  turned.bounds_ = {centre - new_half, centre + new_half};
  return turned;
}

// glm's matrices are given by columns: the images of the axes.

Solid Solid::turned_x(float degrees) const {
  const float c = std::cos(glm::radians(degrees)), s = std::sin(glm::radians(degrees));
  return turned({vec3(1, 0, 0), vec3(0, c, s), vec3(0, -s, c)});
}

Solid Solid::turned_y(float degrees) const {
  const float c = std::cos(glm::radians(degrees)), s = std::sin(glm::radians(degrees));
  return turned({vec3(c, 0, -s), vec3(0, 1, 0), vec3(s, 0, c)});
}

Solid Solid::turned_z(float degrees) const {
  const float c = std::cos(glm::radians(degrees)), s = std::sin(glm::radians(degrees));
  return turned({vec3(c, s, 0), vec3(-s, c, 0), vec3(0, 0, 1)});
}

Solid Solid::scaled(float factor) const { return stretched(factor, factor, factor); }

Solid Solid::stretched(float x, float y, float z) const {
  const vec3 factors(x, y, z);
  Solid scaled = *this;
  scaled.to_field_[0] /= x;
  scaled.to_field_[1] /= y;
  scaled.to_field_[2] /= z;
  scaled.origin_ *= factors;
  scaled.factor_ *= std::min({x, y, z});
  scaled.bounds_ = {bounds_.min * factors, bounds_.max * factors};
  return scaled;
}

Solid Solid::rounded(float radius) const {
  return {[f = *this, radius](const vec3& p) { return f(p) - radius; }, bounds_.grown(radius)};
}

Solid Solid::shell(float thickness) const {
  const float half = 0.5F * thickness;
  return {[f = *this, half](const vec3& p) { return std::abs(f(p)) - half; }, bounds_.grown(half)};
}

Solid Solid::mirrored_x() const {
  const vec3 flip(-1, 1, 1);
  const Box image{{-bounds_.max.x, bounds_.min.y, bounds_.min.z},
                  {-bounds_.min.x, bounds_.max.y, bounds_.max.z}};
  return {[f = *this, flip](const vec3& p) { return std::min(f(p), f(p * flip)); },
          enclose(bounds_, image)};
}

Solid Solid::mirrored_z() const {
  const vec3 flip(1, 1, -1);
  const Box image{{bounds_.min.x, bounds_.min.y, -bounds_.max.z},
                  {bounds_.max.x, bounds_.max.y, -bounds_.min.z}};
  return {[f = *this, flip](const vec3& p) { return std::min(f(p), f(p * flip)); },
          enclose(bounds_, image)};
}

Solid Solid::around_y(int count) const {
  LODE_ASSERT(count >= 1, "around_y needs a copy");
  const vec3 centre = bounds_.centre();
  const float home = std::atan2(centre.x, centre.z);
  const float step = 2 * kPi / static_cast<float>(count);
  // Only the copy whose sector holds p and that sector's nearer neighbour can be closest.
  return {[f = *this, home, step](const vec3& p) {
            const float turns = (std::atan2(p.x, p.z) - home) / step;
            const float sector = std::round(turns);
            const float other = turns > sector ? sector + 1 : sector - 1;
            return std::min(f(turn_y(p, -sector * step)), f(turn_y(p, -other * step)));
          },
          swept_around_y(bounds_)};
}

Solid Solid::repeated(int count, const vec3& step) const {
  LODE_ASSERT(count >= 1, "repeated needs a copy");
  const vec3 last = step * static_cast<float>(count - 1);
  const Box all = enclose(bounds_, {bounds_.min + last, bounds_.max + last});
  const float length2 = glm::dot(step, step);
  return {[f = *this, step, length2, count, centre = bounds_.centre()](const vec3& p) {
            const float along = glm::dot(p - centre, step) / length2;
            const float low = std::clamp(std::floor(along), 0.0F, static_cast<float>(count - 1));
            const float high = std::min(low + 1, static_cast<float>(count - 1));
            return std::min(f(p - step * low), f(p - step * high));
          },
          all};
}

Solid Solid::twisted(float degrees_per_unit) const {
  const float rate = glm::radians(degrees_per_unit);
  const Box all = swept_around_y(bounds_);
  // Turning shears by rate * radius; dividing by the operator norm's bound keeps the field
  // Lipschitz.
  const float shear = std::abs(rate) * all.max.x;
  const float slow = 1.0F / std::sqrt(1 + shear * shear);
  return {[f = *this, rate, slow](const vec3& p) { return f(turn_y(p, -rate * p.y)) * slow; }, all};
}

Solid Solid::displaced(std::function<float(const vec3&)> height, float amplitude,
                       float slope) const {
  const float slow = 1.0F / (1.0F + slope);
  return {[f = *this, height = std::move(height), amplitude, slow](const vec3& p) {
            const float d = f(p);
            // Far away the displacement cannot matter, and leaving it out is much cheaper.
            if (std::abs(d) > 4 * amplitude) {
              return (d > 0 ? d - amplitude : d + amplitude) * slow;
            }
            return (d - height(p)) * slow;
          },
          bounds_.grown(amplitude)};
}

std::vector<vec3> bezier(const vec3& a, const vec3& b, const vec3& c, const vec3& d, int segments) {
  std::vector<vec3> points;
  for (int i = 0; i <= segments; ++i) {
    const float t = static_cast<float>(i) / static_cast<float>(segments), u = 1 - t;
    points.push_back(u * u * u * a + 3 * u * u * t * b + 3 * u * t * t * c + t * t * t * d);
  }
  return points;
}

std::vector<vec2> smooth(const std::vector<vec2>& points, int per_span) {
  LODE_ASSERT(points.size() >= 2, "a curve needs two points");
  std::vector<vec2> curve;
  const auto last = points.size() - 1;
  for (std::size_t i = 0; i < last; ++i) {
    const vec2 p0 = points[i > 0 ? i - 1 : 0], p1 = points[i], p2 = points[i + 1];
    const vec2 p3 = points[std::min(i + 2, last)];
    for (int step = 0; step < per_span; ++step) {
      const float t = static_cast<float>(step) / static_cast<float>(per_span);
      const vec2 q =
          0.5F * (2.0F * p1 + t * (p2 - p0) + t * t * (2.0F * p0 - 5.0F * p1 + 4.0F * p2 - p3) +
                  t * t * t * (3.0F * (p1 - p2) + p3 - p0));
      curve.emplace_back(q);
    }
  }
  curve.push_back(points.back());
  return curve;
}

std::vector<vec2> arc(const vec2& centre, float rx, float ry, float from_degrees, float to_degrees,
                      int segments) {
  std::vector<vec2> points;
  for (int i = 0; i <= segments; ++i) {
    const float share = static_cast<float>(i) / static_cast<float>(segments);
    const float angle = glm::radians(from_degrees + share * (to_degrees - from_degrees));
    points.push_back(centre + vec2(rx * std::cos(angle), ry * std::sin(angle)));
  }
  points.back().x = std::abs(points.back().x) < 1e-6F ? 0.0F : points.back().x;
  return points;
}

std::vector<vec2> star(int tips, float outer, float inner) {
  std::vector<vec2> points;
  for (int i = 0; i < 2 * tips; ++i) {
    const float angle = kPi * (0.5F + static_cast<float>(i) / static_cast<float>(tips));
    const float radius = i % 2 == 0 ? outer : inner;
    points.emplace_back(radius * std::cos(angle), radius * std::sin(angle));
  }
  return points;
}

Solid unite(std::vector<Solid> solids) {
  LODE_ASSERT(!solids.empty(), "unite needs a solid");
  Box all = solids.front().bounds();
  for (const Solid& solid : solids) {
    all = enclose(all, solid.bounds());
  }
  return {[parts = std::move(solids)](const vec3& p) {
            float least = std::numeric_limits<float>::max();
            for (const Solid& part : parts) {
              // Outside a part's box the box is a lower bound and far cheaper than the part; inside
              // the box it says nothing, as the part may be deeper than the others.
              if (const float far = part.bounds().distance(p); far < least || far <= 0) {
                least = std::min(least, part(p));
              }
            }
            return least;
          },
          all};
}

Solid blend(std::initializer_list<Solid> solids, float fillet) {
  LODE_ASSERT(solids.size() > 0 && fillet > 0, "blend needs a solid and a fillet");
  Box all = solids.begin()->bounds();
  for (const Solid& solid : solids) {
    all = enclose(all, solid.bounds());
  }
  return {[parts = std::vector<Solid>(solids), fillet](const vec3& p) {
            float d = parts.front()(p);
            for (std::size_t i = 1; i < parts.size(); ++i) {
              d = smooth_min(d, parts[i](p), fillet);
            }
            return d;
          },
          all.grown(0.25F * fillet)};
}

Solid cut(const Solid& a, const Solid& b, float fillet) {
  return {[a, b, fillet](const vec3& p) {
            const float da = a(p), db = -b(p);
            return fillet > 0 ? -smooth_min(-da, -db, fillet) : std::max(da, db);
          },
          a.bounds()};
}

Solid common(const Solid& a, const Solid& b, float fillet) {
  const Box both{glm::max(a.bounds().min, b.bounds().min),
                 glm::min(a.bounds().max, b.bounds().max)};
  return {[a, b, fillet](const vec3& p) {
            const float da = a(p), db = b(p);
            return fillet > 0 ? -smooth_min(-da, -db, fillet) : std::max(da, db);
          },
          both};
}

vec3 normal_at(const Solid& solid, const vec3& p, float step) {
  // Four samples on a tetrahedron instead of six on the axes.
  constexpr vec3 kCorners[] = {{1, -1, -1}, {-1, -1, 1}, {-1, 1, -1}, {1, 1, 1}};
  vec3 gradient(0);
  for (const vec3& corner : kCorners) {
    gradient += corner * solid(p + corner * step);
  }
  const float length = glm::length(gradient);
  return length > 0 ? gradient / length : vec3(0, 1, 0);
}

}  // namespace lode::sketch
