// Things to wear, to carry and to treasure.
#include <cmath>
#include <glm/trigonometric.hpp>

#include "sketch/objects.h"
#include "sketch/shapes.h"

namespace lode::sketch {
namespace {

using glm::vec2;
using glm::vec3;

constexpr float kPi = 3.14159265F;

/// A brilliant cut of girdle radius r as the planes of its facets: a table, crown and pavilion in
/// two rings each, the second half a step on and steeper.
Solid brilliant(float r) {
  struct Plane {
    vec3 normal;
    float offset;
  };
  std::vector<Plane> planes = {{{0, 1, 0}, 0.33F * r}};
  const auto add_ring = [&](float degrees_from_axis, float side, float radius, float shift) {
    for (int i = 0; i < 8; ++i) {
      const float turn = kPi * (static_cast<float>(i) + shift) / 4;
      const float tilt = glm::radians(degrees_from_axis);
      const vec3 normal(std::sin(turn) * std::sin(tilt), side * std::cos(tilt),
                        std::cos(turn) * std::sin(tilt));
      planes.push_back({normal, radius * r * std::sin(tilt)});
    }
  };
  add_ring(36, 1, 1.0F, 0.5F);
  add_ring(44, 1, 1.0F, 0.0F);
  add_ring(46, -1, 1.0F, 0.5F);
  add_ring(53, -1, 1.0F, 0.0F);
  return {[planes](const vec3& p) {
            float d = -1e9F;
            for (const Plane& plane : planes) {
              d = std::max(d, p.x * plane.normal.x + p.y * plane.normal.y + p.z * plane.normal.z -
                                  plane.offset);
            }
            return d;
          },
          {{-1.1F * r, -1.0F * r, -1.1F * r}, {1.1F * r, 0.36F * r, 1.1F * r}}};
}

/// Facets flash: each facet of a stone is much lighter or darker than its neighbours.
Paint sparkling(const Paint& stone) {
  return stone.patterned([](const vec3&, const vec3& n, const vec3& c) {
    const float flash = std::sin(11 * n.x + 7 * n.y) * std::cos(9 * n.z - 5 * n.y);
    return flash > 0 ? mix(c, vec3(1), 0.75F * flash) : c * (1 + 0.45F * flash);
  });
}

void build_ring(Kit& kit) {
  const float r = kit.vary(0.42F, 0.05F), thick = kit.vary(0.055F, 0.12F);
  const Paint gold = kit.main(0xE6B23C, Finish::metal);
  const float y = r + thick;
  kit.add(torus(r, thick).turned_x(90).stretched(1, 1, 1.35F).at(0, y, 0), gold);
  const float top = y + r + 0.03F;
  kit.add(cone(0.06F, 0.13F, 0.10F, 0.01F).at(0, top - 0.02F, 0), gold);
  kit.add(capsule({0, top + 0.02F, 0.12F}, {0, top + 0.15F, 0.165F}, 0.02F, 0.018F)
              .around_y(4)
              .turned_y(45),
          gold);
  const Paint stone = kit.accent(0xBFE6F7, Finish::ceramic);
  kit.add(brilliant(0.185F).at(0, top + 0.135F, 0), sparkling(stone));
}

void build_crown(Kit& kit) {
  const float r = kit.vary(0.46F, 0.05F), low = kit.vary(0.30F, 0.08F);
  const int points = kit.pick(5, 7);
  const float tip = kit.vary(0.62F, 0.06F);
  const Paint gold = kit.main(0xEBB63A, Finish::metal);
  const auto height = [=](float turn) {
    const float saw =
        std::abs(std::fmod(turn / (2 * kPi) * static_cast<float>(points) + 10.5F, 1.0F) - 0.5F) * 2;
    return low + (tip - low) * (1 - saw);
  };
  // A wall that flares outwards, its top edge a zigzag.
  const Solid wall =
      revolve({{r - 0.02F, 0}, {r, 0}, {1.16F * r, tip}, {1.16F * r - 0.026F, tip}}, 0.006F);
  const float steep =
      1.0F / (1.0F + 2.0F * (tip - low) * static_cast<float>(points) / (2 * kPi * r));
  const Solid zigzag([=](const vec3& p) { return (p.y - height(std::atan2(p.x, p.z))) * steep; },
                     {{-1, -0.2F, -1}, {1, tip, 1}});
  kit.add(common(wall, zigzag), gold);
  kit.add(torus(r, 0.034F).at(0, 0.03F, 0), gold);
  kit.add(torus(1.05F * r, 0.020F).at(0, 0.20F, 0), gold);
  const float pitch = 360.0F / static_cast<float>(points);
  kit.add(sphere(0.052F).at(0, tip + 0.02F, 1.16F * r).around_y(points),
          kit.has_accent() ? kit.accent(0, Finish::ceramic) : gold.shaded(1.2F));
  const Paint ruby = kit.accent(0xC2203A, Finish::ceramic),
              sapphire = Kit::fixed(0x2A5BC8, Finish::ceramic);
  kit.add(ellipsoid(0.046F, 0.058F, 0.03F).at(0, 0.115F, 1.045F * r).around_y(points), ruby);
  kit.add(sphere(0.034F).at(0, 0.115F, 1.04F * r).turned_y(0.5F * pitch).around_y(points),
          sapphire);
  const Solid lining = ellipsoid(r - 0.02F, 0.30F, r - 0.02F);
  kit.add(common(lining, box(1, 0.5F, 1, 0).at(0, 0.5F, 0)).at(0, 0.05F, 0),
          Kit::fixed(0x8E1B3A, Finish::fabric));
}

void build_diamond(Kit& kit) {
  const float r = kit.vary(0.55F, 0.05F);
  const Paint stone = kit.main(0x8FD3F2, Finish::ceramic);
  kit.add(brilliant(r).at(0, 0.98F * r, 0).turned_x(12), sparkling(stone));
}

void build_hat(Kit& kit) {
  const float r = kit.vary(0.32F, 0.06F), h = kit.vary(0.58F, 0.1F), brim = kit.vary(0.54F, 0.06F);
  const Paint felt = kit.main(0x2A2A30, Finish::fabric);
  const Paint ribbon = kit.accent(0xB02A35, Finish::fabric);
  kit.add(revolve(smooth({{0, 0.02F},
                          {0.97F * r, 0.02F},
                          {0.92F * r, 0.30F * h},
                          {0.96F * r, 0.75F * h},
                          {1.06F * r, 0.97F * h},
                          {1.02F * r, h},
                          {0.9F * r, h + 0.005F},
                          {0, h - 0.01F}},
                         5),
                  0.01F),
          felt);
  // The brim curls up at the sides.
  const auto curl = [=](const vec3& p) {
    return 0.13F * (p.x / brim) * std::abs(p.x / brim) * (p.x > 0 ? 1.0F : -1.0F);
  };
  kit.add(Solid(
              [=](const vec3& p) {
                const float out = std::sqrt(p.x * p.x + p.z * p.z) - (brim - 0.02F);
                const vec2 q(out, std::abs(p.y - curl(p)) - 0.008F);
                const vec2 outside = glm::max(q, vec2(0));
                return (std::sqrt(outside.x * outside.x + outside.y * outside.y) +
                        std::min(std::max(q.x, q.y), 0.0F) - 0.014F) *
                       0.85F;
              },
              {{-brim, -0.03F, -brim}, {brim, 0.18F, brim}}),
          felt);
  kit.add(revolve({{0.93F * r, 0.045F},
                   {0.99F * r + 0.012F, 0.045F},
                   {0.95F * r + 0.01F, 0.17F},
                   {0.88F * r, 0.17F}},
                  0.004F),
          ribbon);
}

void build_umbrella(Kit& kit) {
  const float r = kit.vary(0.62F, 0.05F), rise = kit.vary(0.34F, 0.07F), y = 0.78F;
  const Paint cloth = kit.main(0xC62E3B, Finish::fabric);
  const vec3 other = kit.has_accent() ? kit.accent(0, Finish::fabric).colour : cloth.colour * 0.90F;
  constexpr int kPanels = 8;
  // A cap of a sphere whose rim is scalloped between the ribs.
  const float ball = (r * r + rise * rise) / (2 * rise);
  const Solid skin = sphere(ball).shell(0.018F).at(0, y + rise - ball, 0);
  const auto scallop = [](float turn) {
    return 0.055F * std::abs(std::sin(0.5F * kPanels * turn));
  };
  const Solid above(
      [=](const vec3& p) { return (y + scallop(std::atan2(p.x, p.z)) - p.y) * 0.8F; },
      {{-r - 0.02F, y - 0.02F, -r - 0.02F}, {r + 0.02F, y + rise + 0.02F, r + 0.02F}});
  kit.add(common(skin, above), cloth.patterned([=](const vec3& p, const vec3& n, const vec3& c) {
    const float turn = std::atan2(p.x, p.z) / (2 * kPi) * kPanels;
    const vec3 panel = static_cast<int>(std::floor(turn)) % 2 != 0 ? other : c;
    const float seam = std::abs(turn - std::round(turn)) * std::sqrt(p.x * p.x + p.z * p.z);
    const vec3 seamed = panel * (seam < 0.008F ? 0.72F : 1.0F);
    return n.y < 0 ? seamed * 0.75F : seamed;
  }));
  kit.add(capsule({0, 0.14F, 0}, {0, y + rise + 0.10F, 0}, 0.016F, 0.013F),
          Kit::fixed(0xA9ADB3, Finish::metal));
  kit.add(
      tube(bezier({0, 0.24F, 0}, {0, -0.06F, 0}, {0.19F, -0.06F, 0}, {0.19F, 0.12F, 0}), 0.032F),
      Kit::fixed(0x7A4A25, Finish::wood).along(1));
  kit.add(capsule({0, y - 0.16F, 0}, {0, y + 0.22F, 0.62F * r}, 0.008F, 0.008F).around_y(kPanels),
          Kit::fixed(0x8E9298, Finish::metal));
}

void build_trophy(Kit& kit) {
  const float cup = kit.vary(0.30F, 0.07F), rim = kit.vary(1.02F, 0.04F);
  const Paint gold = kit.main(0xEBB63A, Finish::metal);
  const Paint plinth = kit.accent(0x3A2A22, Finish::wood);
  kit.add(box(0.23F, 0.085F, 0.23F, 0.015F).at(0, 0.085F, 0), plinth);
  kit.add(box(0.19F, 0.02F, 0.19F, 0.01F).at(0, 0.185F, 0), plinth.shaded(0.8F));
  kit.add(box(0.12F, 0.04F, 0.006F, 0.004F).at(0, 0.085F, 0.232F), gold);
  kit.add(revolve(smooth({{0, 0.19F},
                          {0.16F, 0.19F},
                          {0.15F, 0.22F},
                          {0.06F, 0.27F},
                          {0.045F, 0.36F},
                          {0.08F, 0.42F},
                          {0.045F, 0.47F},
                          {0.09F, 0.52F},
                          {0, 0.54F}})),
          gold);
  kit.add(vessel(smooth({{0, 0.50F},
                         {0.10F, 0.51F},
                         {0.80F * cup, 0.64F},
                         {0.96F * cup, 0.80F},
                         {cup, rim - 0.03F},
                         {1.10F * cup, rim}}),
                 0.03F),
          gold);
  const Solid handle = tube(bezier({0.90F * cup, 0.94F, 0}, {1.9F * cup, 1.06F, 0},
                                   {1.75F * cup, 0.66F, 0}, {0.74F * cup, 0.64F, 0}),
                            0.028F);
  kit.add(handle.mirrored_x(), gold);
  kit.add(extrude(star(5, 0.11F, 0.048F), 0.02F, 0.005F).at(0, 0.82F, 0.98F * cup),
          gold.shaded(1.25F));
}

constexpr ObjectKind kKinds[] = {
    {"ring", 0.03F, build_ring},        {"crown", 0.22F, build_crown},
    {"diamond", 0.03F, build_diamond},  {"hat", 0.35F, build_hat},
    {"umbrella", 1.0F, build_umbrella}, {"trophy", 0.4F, build_trophy},
};

}  // namespace

std::span<const ObjectKind> wearable_objects() { return kKinds; }

}  // namespace lode::sketch
