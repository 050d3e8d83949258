// Tools and arms.
#include <cmath>

#include "sketch/objects.h"
#include "sketch/shapes.h"

namespace lode::sketch {
namespace {

using glm::vec2;
using glm::vec3;

Paint leather_grip() { return Kit::fixed(0x5B3620, Finish::leather); }

void build_sword(Kit& kit) {
  const float blade = kit.vary(1.0F, 0.06F), w = kit.vary(0.062F, 0.1F),
              guard = kit.vary(0.20F, 0.12F);
  const Paint steel = kit.main(0xC9CED4, Finish::metal);
  const Paint gilt = kit.accent(0xD6A53C, Finish::metal);
  const float base = 0.36F;
  // A rhombic cross-section drawn up to a point, with a groove down the middle.
  const Solid flat = extrude(
      {{-w, 0}, {w, 0}, {0.86F * w, blade - 0.13F}, {0, blade}, {-0.86F * w, blade - 0.13F}},
      0.022F, 0.002F);
  const Solid rhombus = box(0.9F * w, 2, 0.9F * w, 0).turned_y(45).stretched(1, 1, 0.34F);
  kit.add(common(flat, rhombus).at(0, base, 0),
          steel.patterned([=](const vec3& p, const vec3&, const vec3& c) {
            return std::abs(p.x) < 0.012F && p.y < base + 0.72F * blade ? c * 0.72F : c;
          }));
  kit.add(tube(bezier({-guard, base + 0.03F, 0}, {-0.5F * guard, base - 0.02F, 0},
                      {0.5F * guard, base - 0.02F, 0}, {guard, base + 0.03F, 0}),
               0.032F),
          gilt);
  kit.add(sphere(0.042F).at(guard, base + 0.03F, 0).mirrored_x(), gilt);
  kit.add(capsule({0, 0.10F, 0}, {0, base - 0.02F, 0}, 0.032F, 0.036F),
          leather_grip().patterned([](const vec3& p, const vec3&, const vec3& c) {
            return std::sin(110 * p.y + std::atan2(p.x, p.z)) > 0.5F ? c * 0.62F : c;
          }));
  kit.add(sphere(0.062F).at(0, 0.06F, 0), gilt);
  kit.add(sphere(0.03F).at(0, 0.06F, 0.045F).mirrored_z(), Kit::fixed(0xB3202C, Finish::ceramic));
}

void build_shield(Kit& kit) {
  const float w = kit.vary(0.46F, 0.06F);
  const Paint face = kit.main(0x2B4C9B, Finish::ceramic);
  const Paint rim = kit.accent(0xD9AE45, Finish::metal);
  const std::vector<vec2> outline = smooth({{-w, 1.02F},
                                            {-w, 0.62F},
                                            {-0.80F * w, 0.34F},
                                            {-0.36F * w, 0.10F},
                                            {0, 0},
                                            {0.36F * w, 0.10F},
                                            {0.80F * w, 0.34F},
                                            {w, 0.62F},
                                            {w, 1.02F}});
  std::vector<vec2> closed = outline;
  const std::vector<vec2> top =
      smooth({{w, 1.02F}, {0.5F * w, 1.0F}, {0, 1.06F}, {-0.5F * w, 1.0F}, {-w, 1.02F}});
  closed.insert(closed.end(), top.begin(), top.end());
  // Bowed forward: a slab between two large spheres.
  const auto bowed = [](float front, float thick) {
    const Solid outer = sphere(1.5F).at(0, 0.55F, front - 1.5F),
                inner = sphere(1.5F).at(0, 0.55F, front - 1.5F - thick);
    return cut(outer, inner);
  };
  const Solid slab = extrude(closed, 0.6F);
  kit.add(common(slab, bowed(0.12F, 0.05F)),
          face.patterned([=](const vec3& p, const vec3& n, const vec3& c) {
            if (n.z < 0) {
              return rgb(0x7A5230);
            }
            return std::abs(p.x) < 0.052F || std::abs(p.y - 0.68F) < 0.052F ? rim.colour : c;
          }));
  std::vector<vec3> edge;
  for (const vec2& point : closed) {
    const float drop = (point.x * point.x + (point.y - 0.55F) * (point.y - 0.55F)) / 3.0F;
    edge.emplace_back(point.x, point.y, 0.095F - drop);
  }
  edge.push_back(edge.front());
  kit.add(tube(edge, 0.036F), rim);
  kit.add(ellipsoid(0.11F, 0.11F, 0.07F).at(0, 0.68F, 0.11F), rim);
  kit.add(torus(0.115F, 0.018F).turned_x(90).at(0, 0.68F, 0.11F), rim.shaded(0.8F));
}

void build_hammer(Kit& kit) {
  const float h = kit.vary(1.0F, 0.05F), w = kit.vary(0.20F, 0.08F);
  const Paint steel = kit.main(0x8F959C, Finish::metal);
  const Paint grip = kit.accent(0xA9713F, Finish::wood);
  kit.add(blend({capsule({0, 0.05F, 0}, {0, 0.40F, 0}, 0.052F, 0.042F),
                 capsule({0, 0.40F, 0}, {0, h, 0}, 0.036F, 0.040F)},
                0.03F)
              .stretched(1, 1, 0.85F),
          grip.along(1));
  kit.add(sphere(0.062F).stretched(1, 0.6F, 0.9F).at(0, 0.03F, 0), grip.shaded(0.8F));
  kit.add(box(0.09F, 0.075F, 0.07F, 0.02F).at(0, h, 0), steel);
  kit.add(cylinder(0.062F, 0.06F, 0.01F).turned_z(90).at(0.12F, h, 0), steel);
  kit.add(cylinder(0.085F, 0.055F, 0.018F).turned_z(90).at(w, h, 0), steel.shaded(1.06F));
  // The claw: a wedge bending down, split at the end.
  const Solid wedge = extrude(smooth({{-0.06F, -0.06F},
                                      {-0.06F, 0.07F},
                                      {-0.20F, 0.055F},
                                      {-0.31F, -0.03F},
                                      {-0.35F, -0.11F},
                                      {-0.26F, -0.045F},
                                      {-0.15F, -0.04F}},
                                     4),
                              0.062F, 0.008F);
  const Solid slot =
      extrude({{-0.14F, 0.2F}, {-0.5F, 0.2F}, {-0.5F, -0.3F}, {-0.14F, -0.3F}}, 0.012F);
  kit.add(cut(wedge, slot).at(0, h, 0), steel);
}

void build_axe(Kit& kit) {
  const float h = kit.vary(1.05F, 0.05F), reach = kit.vary(0.34F, 0.08F);
  const Paint steel = kit.main(0xA3A9B0, Finish::metal);
  const Paint wood = kit.accent(0x9A6535, Finish::wood);
  kit.add(tube(bezier({0.03F, 0.03F, 0}, {-0.03F, 0.3F, 0}, {0.02F, 0.7F, 0}, {0, h + 0.06F, 0}),
               0.046F, 0.036F)
              .stretched(1.1F, 1, 0.8F),
          wood.along(1));
  kit.add(ellipsoid(0.062F, 0.04F, 0.046F).at(0.035F, 0.03F, 0), wood.shaded(0.8F));
  const float y = h - 0.08F;
  const Solid outline = extrude(smooth({{-0.10F, y - 0.07F},
                                        {-0.11F, y + 0.07F},
                                        {0.05F, y + 0.07F},
                                        {0.6F * reach, y + 0.12F},
                                        {reach, y + 0.22F},
                                        {reach + 0.055F, y},
                                        {reach, y - 0.25F},
                                        {0.6F * reach, y - 0.10F},
                                        {0.05F, y - 0.07F},
                                        {-0.10F, y - 0.07F}},
                                       5),
                                0.075F, 0.004F);
  // Ground to an edge: the thickness falls off towards the bit.
  const float taper = 0.065F / (reach + 0.14F);
  const Solid ground({[=](const vec3& p) {
                       return (std::abs(p.z) - std::min(0.068F, taper * (reach + 0.075F - p.x))) *
                              0.97F;
                     }},
                     {{-1, 0, -0.2F}, {1, 2, 0.2F}});
  kit.add(common(outline, ground, 0.006F),
          steel.patterned([=](const vec3& p, const vec3&, const vec3& c) {
            const float to_edge = std::hypot(p.x + 0.12F, p.y - y);
            return to_edge > reach + 0.10F ? mix(c, vec3(1), 0.55F) : c;
          }));
}

void build_key(Kit& kit) {
  const float h = kit.vary(0.62F, 0.06F), bow = kit.vary(0.19F, 0.08F);
  const Paint brass = kit.main(0xD9A93C, Finish::metal);
  const float top = h + 0.14F;
  kit.add(capsule({0, 0.04F, 0}, {0, top, 0}, 0.042F, 0.042F), brass);
  kit.add(torus(0.058F, 0.022F).at(0, top - 0.09F, 0), brass);
  kit.add(torus(0.052F, 0.02F).at(0, top - 0.02F, 0), brass);
  // A bow of three rings.
  const float y = top + 0.10F;
  const Solid ring = torus(0.105F, 0.036F).turned_x(90);
  kit.add(blend({ring.at(0, y + bow + 0.06F, 0), ring.at(-0.6F * bow - 0.015F, y + 0.03F, 0),
                 ring.at(0.6F * bow + 0.015F, y + 0.03F, 0)},
                0.03F),
          brass);
  const int teeth = kit.pick(2, 3);
  kit.add(box(0.085F, 0.038F, 0.024F, 0.008F).at(0.10F, 0.07F, 0), brass);
  kit.add(box(0.075F, 0.03F, 0.024F, 0.008F).at(0.09F, 0.17F, 0), brass);
  if (teeth == 3) {
    kit.add(box(0.06F, 0.026F, 0.024F, 0.008F).at(0.075F, 0.255F, 0), brass);
  }
  kit.add(box(0.022F, 0.09F, 0.024F, 0.008F).at(0.162F, 0.115F, 0), brass);
}

constexpr ObjectKind kKinds[] = {
    {"sword", 1.0F, build_sword}, {"shield", 0.8F, build_shield}, {"hammer", 0.35F, build_hammer},
    {"axe", 0.7F, build_axe},     {"key", 0.07F, build_key},
};

}  // namespace

std::span<const ObjectKind> tool_objects() { return kKinds; }

}  // namespace lode::sketch
