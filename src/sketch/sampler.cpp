#include "sketch/sampler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <glm/common.hpp>
#include <glm/geometric.hpp>
#include <glm/trigonometric.hpp>

#include "sketch/neighbour_grid.h"
#include "sketch/point_thinning.h"
#include "sketch/scene_field.h"

namespace lode::sketch {
namespace {

using glm::vec3;

/// Candidates drawn for each point kept: enough that the kept ones leave no gaps.
constexpr float kOversampling = 4.0F;
/// Most a spacing shrinks where the surface curves, and where colours meet.
constexpr float kFinest = 0.5F;
constexpr float kFinestAtColours = 0.4F;
constexpr float kSqrt3 = 1.7320508F;

float shortest(const vec3& v) { return std::min({v.x, v.y, v.z}); }

vec3 random_in(const vec3& centre, float half, Rng& rng) {
  const auto draw = [&] { return static_cast<float>(rng.uniform(-half, half)); };
  const float x = draw(), y = draw(), z = draw();
  return centre + vec3(x, y, z);
}

/// What cells are looked for: cubes of side `leaf` that may hold surface or lie within `band` of
/// it. None any more once a stop is requested.
struct CellSearch {
  const Solid& solid;
  float leaf;
  float band;
  const std::stop_token& stop;
};

/// Calls `visit(centre)` for the cells within the cube: an octree pruned by the distance field.
template <class Visit>
void for_cells(const CellSearch& search, const vec3& centre, float half, const Visit& visit) {
  if (std::abs(search.solid(centre)) > 1.1F * kSqrt3 * half + search.band) {
    return;
  }
  if (half <= 0.5001F * search.leaf) {
    visit(centre);
    return;
  }
  for (int octant = 0; octant < 8; ++octant) {
    const vec3 corner((octant & 1) != 0 ? 0.5F : -0.5F, (octant & 2) != 0 ? 0.5F : -0.5F,
                      (octant & 4) != 0 ? 0.5F : -0.5F);
    for_cells(search, centre + corner * half, 0.5F * half, visit);
  }
}

/// Calls `visit(centre)` for all cells of the solid.
template <class Visit>
void for_surface_cells(const CellSearch& search, const Visit& visit) {
  const Box box = search.solid.bounds().grown(search.band);
  const float block = 8 * search.leaf;  // three octree levels
  const glm::ivec3 blocks(glm::ceil(box.size() / block));
  for (int x = 0; x < blocks.x; ++x) {
    for (int y = 0; y < blocks.y; ++y) {
      for (int z = 0; z < blocks.z && !search.stop.stop_requested(); ++z) {
        const vec3 centre = box.min + (vec3(x, y, z) + 0.5F) * block;
        for_cells(search, centre, 0.5F * block, visit);
      }
    }
  }
}

/// Surface area: the share of random points that fall into a thin band around the surface.
float estimate_area(const Solid& solid, float leaf, Rng& rng, const std::stop_token& stop) {
  const float band = std::min(0.25F * leaf, 0.2F * shortest(solid.bounds().size()));
  std::size_t hits = 0;
  constexpr std::size_t kTrials = 3;
  for_surface_cells({solid, leaf, band, stop}, [&](const vec3& centre) {
    for (std::size_t i = 0; i < kTrials; ++i) {
      hits += std::abs(solid(random_in(centre, 0.5F * leaf, rng))) < band ? 1 : 0;
    }
  });
  return static_cast<float>(hits) * leaf * leaf * leaf / (kTrials * 2 * band);
}

/// A point moved onto the surface along the gradient, with the normal found there.
struct Projection {
  vec3 position;
  vec3 normal;
  bool is_on_surface;
};

vec3 gradient_at(const Solid& solid, const vec3& p, float step) {
  constexpr std::array<vec3, 4> kCorners = {vec3(1, -1, -1), vec3(-1, -1, 1), vec3(-1, 1, -1),
                                            vec3(1, 1, 1)};
  vec3 gradient(0);
  for (const vec3& corner : kCorners) {
    gradient += corner * solid(p + corner * step);
  }
  return gradient / (4 * step);
}

Projection project(const Solid& solid, const vec3& start, float spacing) {
  constexpr int kMostSteps = 3;
  vec3 p = start, normal(0, 1, 0);
  float d = solid(p);
  for (int i = 0; i < kMostSteps; ++i) {
    const vec3 gradient = gradient_at(solid, p, 0.1F * spacing);
    const float slope2 = glm::dot(gradient, gradient);
    if (slope2 < 0.01F) {
      return {p, normal, false};  // a ridge of the field, not a surface
    }
    normal = gradient / std::sqrt(slope2);
    p -= gradient * (d / slope2);
    d = solid(p);
    // The gradient of a distance is the same all along the way to the surface, so one step and
    // one normal are enough but where the field is no exact distance.
    if (std::abs(d) < 0.03F * spacing) {
      return {p, normal, glm::distance(p, start) < 2 * spacing};
    }
  }
  return {p, normal, false};
}

std::array<vec3, 2> tangents(const vec3& n) {
  const vec3 helper = std::abs(n.y) < 0.9F ? vec3(0, 1, 0) : vec3(1, 0, 0);
  const vec3 u = glm::normalize(glm::cross(helper, n));
  return {u, glm::cross(n, u)};
}

vec3 colour_at(const PlacedPart& part, const vec3& p, const vec3& n) {
  return texture(part.paint, part.placement.to_object(p), part.placement.normal_to_object(n),
                 part.grain);
}

/// How fine the points must lie here, kFinest..1: finer on tight curves, edges and colour edges.
float fineness(const PlacedPart& part, const Projection& at, float spacing) {
  const auto [u, v] = tangents(at.normal);
  float lift = 0;  // how far the surface drops below its tangent plane one spacing away
  for (const vec3& t : {u, v, -u, -v}) {
    lift = std::max(lift, part.solid(at.position + t * spacing) / spacing);
  }
  const float curve = std::clamp(1.15F - 1.6F * lift, kFinest, 1.0F);
  if (!part.paint.pattern) {
    return curve;
  }
  const vec3 here = colour_at(part, at.position, at.normal);
  float contrast = 0;
  for (const vec3& t : {u, v, -u, -v}) {
    const vec3 beside = at.position + t * (0.6F * spacing);
    const vec3 gap = colour_at(part, beside, at.normal) - here;
    contrast = std::max(contrast, glm::dot(gap, gap));
  }
  return std::min(curve, contrast > 0.03F ? kFinestAtColours : 1.0F);
}

/// A scene's candidates while they are drawn.
struct Draft {
  const std::vector<PlacedPart>& parts;
  const SceneField& field;
  float spacing;  ///< of most points
  Rng rng;
  const std::stop_token& stop;
  std::vector<Candidate> candidates;
};

/// Random points of one part's visible surface, dense enough for the spacing each place needs.
void draw_candidates(Draft& draft, std::size_t index) {
  const PlacedPart& part = draft.parts[index];
  const float spacing = draft.spacing;
  std::vector<Candidate>& candidates = draft.candidates;
  // Small parts (eyes, knobs) get finer candidates, or their curvature would be missed.
  const float fine =
      std::clamp(shortest(part.solid.bounds().size()) / (6 * spacing), kFinest, 1.0F);
  const float local = fine * spacing, leaf = 1.6F * local, band = 0.5F * local;
  const float per_area = kOversampling * kPackingDensity / (local * local);
  const float per_cell = per_area / (2 * band) * leaf * leaf * leaf;
  for_surface_cells({part.solid, leaf, band, draft.stop}, [&](const vec3& centre) {
    const std::size_t first = candidates.size();
    const float trials = per_cell + static_cast<float>(draft.rng.uniform());
    float planned = trials, finest = 1;
    for (float trial = 1; trial <= planned; ++trial) {
      const vec3 start = random_in(centre, 0.5F * leaf, draft.rng);
      if (std::abs(part.solid(start)) > band) {
        continue;
      }
      const Projection at = project(part.solid, start, local);
      if (!at.is_on_surface || draft.field.is_hidden(at.position, at.normal, index, local)) {
        continue;
      }
      const float detail = fine * fineness(part, at, local);
      candidates.push_back({{at.position, at.normal, index, detail}, 0});
      // Where points shall lie closer, the cell needs more candidates in proportion.
      finest = std::min(finest, detail / fine);
      planned = trials / (finest * finest);
    }
    for (std::size_t i = first; i < candidates.size(); ++i) {
      candidates[i].area = trials / planned / per_area;
    }
  });
}

/// Evens the points out: each moves along the surface away from its neighbours, as far as no other
/// part buries it there.
void relax(std::vector<SurfacePoint>& points, const std::vector<PlacedPart>& parts,
           const SceneField& field, const std::stop_token& stop) {
  constexpr float kReach = 2.0F;      // of the spacing: neighbours that push
  constexpr float kFarthest = 0.35F;  // of the spacing: the longest step
  float widest = 0;
  for (const SurfacePoint& point : points) {
    widest = std::max(widest, point.spacing);
  }
  NeighbourGrid grid(kReach * widest, points.size());
  for (const SurfacePoint& point : points) {
    grid.add(point);
  }
  for (SurfacePoint& point : points) {
    if (stop.stop_requested()) {
      return;
    }
    vec3 push(0);
    grid.any_near(point.position, kReach * point.spacing, [&](const SurfacePoint& other) {
      const vec3 gap = point.position - other.position;
      const float d2 = glm::dot(gap, gap), reach = 0.5F * kReach * (point.spacing + other.spacing);
      if (d2 < reach * reach && d2 > 0 && glm::dot(point.normal, other.normal) > 0) {
        const float d = std::sqrt(d2);
        push += gap * ((reach - d) / (reach * d));
      }
      return false;
    });
    push -= point.normal * glm::dot(push, point.normal);
    const float length = glm::length(push);
    if (length < 0.02F) {
      continue;
    }
    const vec3 step = push * (point.spacing * std::min(0.5F, kFarthest / length));
    const Projection at = project(parts[point.part].solid, point.position + step, point.spacing);
    if (at.is_on_surface && !field.is_hidden(at.position, at.normal, point.part, point.spacing)) {
      point.position = at.position;
      point.normal = at.normal;
    }
  }
}

/// The disc of a gaussian on the surface: its axes and their standard deviations.
struct Footprint {
  glm::mat3 axes;  ///< columns: two tangents and the normal, right-handed
  glm::vec2 sigma;
};

/// A disc of radius `sigma`, shortened in the direction in which the surface bends away from its
/// tangent plane, so that nothing sticks out over edges and thin rods.
Footprint footprint(const Solid& solid, const SurfacePoint& point, float sigma) {
  constexpr float kShortest = 0.35F;
  const float reach = 1.4F * sigma;
  const auto [u, v] = tangents(point.normal);
  const auto drop = [&](const vec3& direction) {
    const vec3 step = direction * reach;
    return std::max(0.0F, 0.5F * (solid(point.position + step) + solid(point.position - step)));
  };
  // The drop as a quadratic form on the tangent plane, and its principal directions.
  constexpr float kHalfRoot = 0.70710678F;
  const float uu = drop(u), vv = drop(v);
  const float uv = 0.5F * (drop((u + v) * kHalfRoot) - drop((u - v) * kHalfRoot));
  const float turn = 0.5F * std::atan2(2 * uv, uu - vv);
  const float c = std::cos(turn), s = std::sin(turn);
  const float along = c * c * uu + 2 * c * s * uv + s * s * vv;
  const float across = s * s * uu - 2 * c * s * uv + c * c * vv;
  const auto shortened = [&](float by) {
    return sigma * std::clamp(1.1F - 1.6F * by / reach, kShortest, 1.0F);
  };
  return {glm::mat3(c * u + s * v, c * v - s * u, point.normal),
          {shortened(along), shortened(across)}};
}

}  // namespace

vec3 Placement::to_world(const vec3& p) const {
  const float c = std::cos(turn), s = std::sin(turn);
  const vec3 q = p * scale;
  return vec3(c * q.x + s * q.z, q.y, -s * q.x + c * q.z) + offset;
}

vec3 Placement::to_object(const vec3& p) const {
  const float c = std::cos(turn), s = std::sin(turn);
  const vec3 q = p - offset;
  return vec3(c * q.x - s * q.z, q.y, s * q.x + c * q.z) / scale;
}

vec3 Placement::normal_to_object(const vec3& n) const {
  const float c = std::cos(turn), s = std::sin(turn);
  return glm::normalize(vec3(c * n.x - s * n.z, n.y, s * n.x + c * n.z) * scale);
}

PlacedPart place(const Part& part, const Placement& placement) {
  const vec3 size = part.solid.bounds().size(), k = placement.scale;
  const int grain = size.x >= size.y && size.x >= size.z ? 0 : size.y >= size.z ? 1 : 2;
  const Solid turned = part.solid.stretched(k.x, k.y, k.z).turned_y(glm::degrees(placement.turn));
  return {turned.at(placement.offset), part.paint, placement, grain};
}

std::vector<SurfacePoint> sample_surface(const std::vector<PlacedPart>& parts, std::size_t count,
                                         const Rng& rng, const std::stop_token& stop) {
  if (parts.empty() || count == 0) {
    return {};
  }
  const float extent = SceneField(parts, 0).extent();
  Rng draws = rng.fork("area");
  float area = 0;
  for (const PlacedPart& part : parts) {
    area += estimate_area(part.solid, extent / 50, draws, stop);
  }
  if (stop.stop_requested()) {
    return {};
  }
  const float spacing = std::sqrt(kPackingDensity * area / static_cast<float>(count));
  const SceneField field(parts, 2 * spacing);
  Draft draft{parts, field, spacing, rng.fork("candidates"), stop, {}};
  for (std::size_t index = 0; index < parts.size(); ++index) {
    draw_candidates(draft, index);
  }
  if (stop.stop_requested()) {
    return {};
  }
  std::vector<SurfacePoint> points =
      thin_out(std::move(draft.candidates), count, rng.fork("thinning"));
  constexpr int kRelaxations = 3;
  for (int i = 0; i < kRelaxations; ++i) {
    relax(points, parts, field, stop);
  }
  return points;
}

splat::GaussianCloud shade(const std::vector<PlacedPart>& parts,
                           const std::vector<SurfacePoint>& points, const std::stop_token& stop) {
  splat::GaussianCloud cloud;
  cloud.resize(points.size());
  if (points.empty()) {
    return cloud;
  }
  constexpr float kReachShare = 0.16F;  // of the scene's extent: how far occluders matter
  constexpr float kTangential = 0.94F, kFlatness = 0.18F;
  const float extent = SceneField(parts, 0).extent();
  const SceneField field(parts, kReachShare * extent);
  for (std::size_t i = 0; i < points.size() && !stop.stop_requested(); ++i) {
    const SurfacePoint& point = points[i];
    const PlacedPart& part = parts[point.part];
    const Exposure exposure = field.exposure(point.position, point.normal);
    const vec3 albedo = colour_at(part, point.position, point.normal);
    const vec3 colour = lit(part.paint, albedo, point.normal, exposure);
    const float sigma = kTangential * point.spacing;
    const float alpha = opacity(part.paint.finish);
    cloud.positions[i] = point.position;
    const Footprint disc = footprint(part.solid, point, sigma);
    cloud.log_scales[i] = {std::log(disc.sigma.x), std::log(disc.sigma.y),
                           std::log(kFlatness * sigma)};
    cloud.rotations[i] = glm::quat_cast(disc.axes);
    cloud.opacity_logits[i] = splat::logit(alpha);
    cloud.f_dc[i] = (colour - 0.5F) / splat::kShC0;
  }
  return cloud;
}

}  // namespace lode::sketch
