#include "sketch/scene.h"

#include <algorithm>
#include <cmath>
#include <glm/common.hpp>
#include <glm/trigonometric.hpp>
#include <optional>

#include "sketch/objects.h"

namespace lode::sketch {
namespace {

using glm::vec3;

/// One object in its own space, and where it stands.
struct Figure {
  std::vector<Part> parts;
  Box bounds;  ///< of the parts, own space
  Placement placement;
};

/// One or several figures of a kind on common ground, each about one unit long.
struct Group {
  std::vector<Figure> figures;
  float metres = 1;  ///< natural length of one figure
  float size = 1;    ///< of its size word
};

vec3 proportions_of(Proportion proportion) {
  switch (proportion) {
    case Proportion::tall:
      return {0.86F, 1.25F, 0.86F};
    case Proportion::wide:
      return {1.2F, 0.86F, 1.2F};
    case Proportion::normal:
      break;
  }
  return vec3(1);
}

Box bounds_of(const std::vector<Part>& parts) {
  Box all = parts.front().solid.bounds();
  for (const Part& part : parts) {
    all = enclose(all, part.solid.bounds());
  }
  return all;
}

/// World bounds of a figure: its box's corners, placed.
Box placed_bounds(const Figure& figure) {
  const vec3 corners[2] = {figure.bounds.min, figure.bounds.max};
  const vec3 first = figure.placement.to_world(corners[0]);
  Box all{first, first};
  for (int i = 1; i < 8; ++i) {
    const vec3 p =
        figure.placement.to_world({corners[i & 1].x, corners[i >> 1 & 1].y, corners[i >> 2 & 1].z});
    all = enclose(all, {p, p});
  }
  return all;
}

Box bounds_of(const Group& group) {
  Box all = placed_bounds(group.figures.front());
  for (const Figure& figure : group.figures) {
    all = enclose(all, placed_bounds(figure));
  }
  return all;
}

/// Scales everything about the origin, then moves it.
void transform(Group& group, float scale, const vec3& offset) {
  for (Figure& figure : group.figures) {
    figure.placement.scale *= scale;
    figure.placement.offset = figure.placement.offset * scale + offset;
  }
}

/// A figure one unit long that stands on the origin.
Figure make_figure(const ObjectKind& kind, const ObjectSpec& spec, const Rng& rng) {
  Kit kit(spec, rng);
  kind.build(kit);
  Figure figure{kit.parts(), bounds_of(kit.parts()), {}};
  const vec3 stretch = proportions_of(spec.proportion);
  const vec3 size = figure.bounds.size() * stretch;
  const float scale = 1.0F / std::max({size.x, size.y, size.z});
  figure.placement.scale = stretch * scale;
  const vec3 centre = figure.bounds.centre();
  figure.placement.offset = -vec3(centre.x, figure.bounds.min.y, centre.z) * figure.placement.scale;
  return figure;
}

/// Where the figures of a group stand, in units of the figures' footprint: rows front to back.
std::vector<vec3> stations(int count) {
  switch (count) {
    case 2:
      return {{-0.5F, 0, 0}, {0.5F, 0, 0}};
    case 3:
      return {{-0.5F, 0, 0.4F}, {0.5F, 0, 0.4F}, {0, 0, -0.5F}};
    case 4:
      return {{-0.5F, 0, 0.5F}, {0.5F, 0, 0.5F}, {-0.5F, 0, -0.5F}, {0.5F, 0, -0.5F}};
    case 5:
      return {{-0.5F, 0, 0.5F}, {0.5F, 0, 0.5F}, {-1, 0, -0.45F}, {0, 0, -0.45F}, {1, 0, -0.45F}};
    case 6:
      return {{-1, 0, 0.5F},  {0, 0, 0.5F},  {1, 0, 0.5F},
              {-1, 0, -0.5F}, {0, 0, -0.5F}, {1, 0, -0.5F}};
    default:
      return {vec3(0)};
  }
}

/// The group of an object, or nothing if its noun is unknown.
std::optional<Group> make_group(const ObjectSpec& spec, const Rng& rng) {
  const ObjectKind* kind = find_object(spec.noun);
  if (kind == nullptr) {
    return std::nullopt;
  }
  Group group;
  group.metres = kind->metres;
  group.size = static_cast<float>(spec.size);
  const std::vector<vec3> places = stations(std::clamp(spec.count, 1, 6));
  constexpr float kGap = 1.08F;
  for (std::size_t i = 0; i < places.size(); ++i) {
    Figure figure = make_figure(*kind, spec, rng.fork("figure " + std::to_string(i)));
    if (places.size() > 1) {
      const vec3 size = figure.bounds.size() * figure.placement.scale;
      figure.placement.offset += places[i] * size * kGap;
    }
    group.figures.push_back(std::move(figure));
  }
  return group;
}

/// How long one figure of `b` is for one of `a` that is one unit long: true to nature where that
/// can be seen, drawn towards each other where it could not, then as the size words have it.
float relative_length(const Group& a, const Group& b, float least, float most) {
  return std::clamp(b.metres / a.metres, least, most) * std::clamp(b.size / a.size, 0.6F, 1.7F);
}

/// The height of the group's surface under (x, z); its base where there is nothing.
float height_at(const Group& group, float x, float z) {
  const Box bounds = bounds_of(group);
  const float step = 0.002F * (bounds.max.y - bounds.min.y) + 1e-4F;
  std::vector<PlacedPart> parts;
  for (const Figure& figure : group.figures) {
    for (const Part& part : figure.parts) {
      parts.push_back(place(part, figure.placement));
    }
  }
  float y = bounds.max.y + step;
  while (y > bounds.min.y) {
    float nearest = y - bounds.min.y;
    for (const PlacedPart& part : parts) {
      nearest = std::min(nearest, part.solid({x, y, z}));
    }
    if (nearest < step) {
      return y;
    }
    y -= nearest;
  }
  return bounds.min.y;
}

/// Puts each figure of `top` down on what is below it.
void put_on(Group& top, const Group& support) {
  const Box ground = bounds_of(support);
  const vec3 room = ground.size();
  float scale = relative_length(support, top, 0.38F, 0.85F);
  if (top.figures.size() > 1) {
    const vec3 size = bounds_of(top).size();
    scale = std::min({scale, 0.85F * room.x / size.x, 0.85F * room.z / size.z});
  }
  transform(top, scale, {ground.centre().x, 0, ground.centre().z});
  for (Figure& figure : top.figures) {
    const Box box = placed_bounds(figure);
    const vec3 foot = 0.12F * box.size(), centre = box.centre();
    float height = height_at(support, centre.x, centre.z);
    for (const float side : {-1.0F, 1.0F}) {
      height = std::max({height, height_at(support, centre.x + side * foot.x, centre.z),
                         height_at(support, centre.x, centre.z + side * foot.z)});
    }
    figure.placement.offset.y += height;
  }
}

/// Puts `other` to the right of `subject`, a little in front.
void put_beside(Group& other, const Group& subject) {
  transform(other, relative_length(subject, other, 0.40F, 1.25F), vec3(0));
  const Box a = bounds_of(subject), b = bounds_of(other);
  constexpr float kGap = 0.05F;
  const vec3 offset(a.max.x - b.min.x + kGap, 0, 0.35F * (a.max.z - b.max.z));
  transform(other, 1, offset);
}

void turn_about(Figure& figure, float radians) {
  figure.placement.turn += radians;
  const vec3 p = figure.placement.offset;
  const float c = std::cos(radians), s = std::sin(radians);
  figure.placement.offset = {c * p.x + s * p.z, p.y, -s * p.x + c * p.z};
}

}  // namespace

std::vector<PlacedPart> lay_out(const SceneSpec& scene, std::uint64_t seed) {
  const Rng rng(seed);
  std::optional<Group> subject = make_group(scene.subject, rng.fork("subject"));
  if (!subject) {
    return {};
  }
  std::vector<Figure> figures = subject->figures;
  if (scene.relation != Relation::none) {
    if (std::optional<Group> other = make_group(scene.other, rng.fork("other"))) {
      scene.relation == Relation::on ? put_on(*subject, *other) : put_beside(*other, *subject);
      figures = subject->figures;
      figures.insert(figures.end(), other->figures.begin(), other->figures.end());
    }
  }
  Rng turns = rng.fork("turn");
  const float turn = static_cast<float>(turns.uniform(-0.08, 0.08));
  Box all = placed_bounds(figures.front());
  for (Figure& figure : figures) {
    turn_about(figure, turn);
    all = enclose(all, placed_bounds(figure));
  }
  const vec3 size = all.size();
  const float scale = kSceneExtent / std::max({size.x, size.y, size.z});
  std::vector<PlacedPart> parts;
  for (Figure& figure : figures) {
    figure.placement.scale *= scale;
    figure.placement.offset = (figure.placement.offset - all.centre()) * scale;
    for (const Part& part : figure.parts) {
      parts.push_back(place(part, figure.placement));
    }
  }
  return parts;
}

}  // namespace lode::sketch
