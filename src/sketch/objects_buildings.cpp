// Houses, towers, castles, lighthouses and windmills.
#include <cmath>
#include <glm/trigonometric.hpp>

#include "sketch/noise.h"
#include "sketch/objects.h"
#include "sketch/shapes.h"

namespace lode::sketch {
namespace {

using glm::vec2;
using glm::vec3;

Paint glass_pane() { return Kit::fixed(0x8FC6E8, Finish::ceramic); }

/// Courses of masonry on a wall: joints darker, blocks of varying tone.
Paint::Pattern masonry(float course, float block) {
  return [course, block](const vec3& p, const vec3& n, const vec3& c) {
    if (std::abs(n.y) > 0.8F) {
      return c;
    }
    // Along the wall: around the axis for round towers and across for flat walls alike.
    const float around = std::abs(n.x) > std::abs(n.z) ? p.z : p.x;
    const float row = std::floor(p.y / course);
    const float shift = 0.5F * (row - 2 * std::floor(row / 2));
    const float along = around / block + shift;
    const float up = p.y / course - row, across = along - std::floor(along);
    const float tone = 0.97F + 0.10F * noise({7.3F * row, 3.1F * std::floor(along), 0.5F});
    const bool is_joint = up < 0.12F || across < 0.07F;
    return c * (is_joint ? 0.74F : tone);
  };
}

/// Rows of roof tiles.
Paint::Pattern tiles(float pitch) {
  return [pitch](const vec3& p, const vec3&, const vec3& c) {
    const float row = p.y / pitch, in_row = row - std::floor(row);
    return c * (0.80F + 0.28F * in_row) *
           (1.0F + 0.05F * noise({20 * p.x, 3 * std::floor(row), 20 * p.z}));
  };
}

/// A framed window of this half size in a wall facing +Z.
void add_window(Kit& kit, const vec3& at, const vec2& half, const Paint& frame) {
  const float w = half.x, h = half.y;
  kit.add(box(w, h, 0.015F, 0.005F).at(at), frame);
  const float pane_w = 0.5F * w - 0.014F, pane_h = 0.5F * h - 0.014F;
  const Solid pane =
      box(pane_w, pane_h, 0.006F, 0.002F).at(0.5F * w - 0.003F, 0.5F * h - 0.003F, 0);
  kit.add(unite({pane, pane.at(-w + 0.006F, 0, 0), pane.at(0, -h + 0.006F, 0),
                 pane.at(-w + 0.006F, -h + 0.006F, 0)})
              .at(at + vec3(0, 0, 0.014F)),
          glass_pane());
}

void build_house(Kit& kit) {
  const float w = kit.vary(0.46F, 0.06F), d = kit.vary(0.38F, 0.06F), h = kit.vary(0.46F, 0.08F);
  const float ridge = h + kit.vary(0.38F, 0.1F);
  const Paint wall = kit.main(0xF1E3C6, Finish::matte);
  const Paint roof = kit.accent(0xB5452F, Finish::matte).patterned(tiles(0.055F));
  const Paint frame = Kit::fixed(0xFBFAF5, Finish::matte);
  kit.add(box(w + 0.03F, 0.03F, d + 0.03F).at(0, 0.03F, 0), Kit::fixed(0x8F8A82, Finish::stone));
  // Gable walls: a pentagon pulled along z, the ridge running to the front.
  kit.add(extrude({{-w, 0.03F}, {w, 0.03F}, {w, h}, {0, ridge}, {-w, h}}, d), wall);
  const float slope = std::atan2(ridge - h, w), run = std::hypot(ridge - h, w);
  const Solid panel = box(0.5F * run + 0.07F, 0.022F, d + 0.08F, 0.008F)
                          .turned_z(glm::degrees(-slope))
                          .at(0.5F * w + 0.018F, 0.5F * (h + ridge) + 0.012F, 0);
  kit.add(panel.mirrored_x(), roof);
  kit.add(capsule({0, ridge + 0.035F, -d - 0.08F}, {0, ridge + 0.035F, d + 0.08F}, 0.028F, 0.028F),
          roof.shaded(0.8F));
  kit.add(box(0.06F, 0.15F, 0.06F, 0.008F).at(-0.55F * w, ridge - 0.02F, -0.35F * d),
          Kit::fixed(0x9A4B38, Finish::matte).patterned(masonry(0.04F, 0.07F)));
  kit.add(box(0.075F, 0.02F, 0.075F, 0.008F).at(-0.55F * w, ridge + 0.13F, -0.35F * d),
          Kit::fixed(0x6F6A64, Finish::stone));
  kit.add(box(0.105F, 0.165F, 0.015F, 0.005F).at(0, 0.205F, d), frame);
  kit.add(box(0.085F, 0.15F, 0.012F, 0.004F).at(0, 0.20F, d + 0.014F),
          Kit::fixed(0x3E6B8F, Finish::wood));
  kit.add(sphere(0.014F).at(0.055F, 0.20F, d + 0.032F), Kit::fixed(0xE0B84A, Finish::metal));
  kit.add(box(0.13F, 0.025F, 0.06F).at(0, 0.035F, d + 0.06F), Kit::fixed(0xA7A198, Finish::stone));
  for (const float x : {-0.62F * w, 0.62F * w}) {
    add_window(kit, {x, 0.28F, d}, {0.085F, 0.085F}, frame);
  }
  kit.add(cylinder(0.075F, 0.015F, 0.004F).turned_x(90).at(0, h + 0.10F, d), frame);
  kit.add(cylinder(0.055F, 0.012F, 0.004F).turned_x(90).at(0, h + 0.10F, d + 0.012F), glass_pane());
  // Side windows, built facing +Z and turned.
  for (const float z : {-0.45F * d, 0.45F * d}) {
    const Solid pane = box(0.012F, 0.08F, 0.07F, 0.004F).at(w + 0.004F, 0.28F, z);
    kit.add(box(0.012F, 0.10F, 0.09F, 0.004F).at(w, 0.28F, z).mirrored_x(), frame);
    kit.add(pane.mirrored_x(), glass_pane());
  }
}

/// A ring of merlons on a round wall of this radius, standing on height y.
Solid merlons(float radius, float y, int count, float size) {
  return box(0.8F * size, size, 0.5F * size, 0.006F)
      .at(0, y + size, radius - 0.5F * size)
      .around_y(count);
}

/// A dark pointed window on a round wall.
Solid slit(float radius, float y, float turn) {
  return box(0.022F, 0.06F, 0.02F, 0.015F).at(0, y, radius).turned_y(turn);
}

void build_tower(Kit& kit) {
  const float r = kit.vary(0.27F, 0.07F), h = kit.vary(0.98F, 0.05F);
  const Paint wall = kit.main(0xA39C90, Finish::stone).patterned(masonry(0.075F, 0.12F));
  kit.add(cone(1.22F * r, r, 0.22F, 0.01F), wall);
  kit.add(cylinder(r, 0.5F * h, 0.01F).at(0, 0.5F * h, 0), wall);
  kit.add(cone(r, 1.28F * r, 0.12F, 0.006F).at(0, h - 0.06F, 0), wall);
  const Solid parapet =
      cut(cylinder(1.28F * r, 0.06F, 0.006F), cylinder(1.10F * r, 0.06F, 0).at(0, 0.05F, 0));
  kit.add(parapet.at(0, h + 0.11F, 0), wall);
  kit.add(merlons(1.28F * r, h + 0.165F, 9, 0.05F), wall);
  const Paint dark = Kit::fixed(0x2B2723, Finish::matte);
  kit.add(unite({slit(r, 0.46F * h, 25), slit(r, 0.72F * h, -20), slit(r, 0.70F * h, 130),
                 slit(r, 0.5F * h, 210)}),
          dark);
  const Solid arch = unite({box(0.09F, 0.10F, 0.06F, 0.01F).at(0, 0.12F, 0),
                            cylinder(0.09F, 0.06F).turned_x(90).at(0, 0.22F, 0)});
  kit.add(arch.at(0, 0, 1.16F * r), Kit::fixed(0x6B4527, Finish::wood).along(1));
  kit.add(capsule({0, h + 0.05F, 0}, {0, h + 0.55F, 0}, 0.014F, 0.012F),
          Kit::fixed(0x6B4527, Finish::wood));
  const auto wave = [](const vec3& p) { return 0.02F * std::sin(14 * p.x); };
  const Solid flag = Solid(
      [wave](const vec3& p) {
        const vec3 q(p.x - 0.15F, p.y, p.z - wave(p));
        const vec3 gap = glm::abs(q) - vec3(0.14F, 0.075F, 0.008F);
        const vec3 out = glm::max(gap, vec3(0));
        return (std::sqrt(out.x * out.x + out.y * out.y + out.z * out.z) +
                std::min(std::max({gap.x, gap.y, gap.z}), 0.0F)) *
               0.9F;
      },
      {{0, -0.09F, -0.04F}, {0.30F, 0.09F, 0.04F}});
  kit.add(flag.at(0.01F, h + 0.46F, 0), kit.accent(0xC9302C, Finish::fabric));
}

void build_castle(Kit& kit) {
  const float half = kit.vary(0.46F, 0.05F), wall_h = kit.vary(0.36F, 0.08F),
              tower_h = kit.vary(0.62F, 0.06F);
  const Paint wall = kit.main(0xB4AC9E, Finish::stone).patterned(masonry(0.06F, 0.10F));
  const Paint roof = kit.accent(0x3D5A8C, Finish::matte).patterned(tiles(0.05F));
  constexpr float kTower = 0.145F;
  kit.add(box(half, 0.5F * wall_h, half, 0.008F).at(0, 0.5F * wall_h, 0), wall);
  const Solid merlon =
      box(0.028F, 0.03F, 0.02F, 0.004F).at(-half + 0.2F, wall_h + 0.03F, half - 0.02F);
  const float pitch = (2 * half - 0.4F) / 5;
  kit.add(merlon.repeated(6, {pitch, 0, 0}).around_y(4), wall);
  kit.add(cylinder(kTower, 0.5F * tower_h, 0.008F)
              .at(half, 0.5F * tower_h, half)
              .mirrored_x()
              .mirrored_z(),
          wall);
  kit.add(
      cylinder(kTower + 0.025F, 0.03F, 0.008F).at(half, tower_h, half).mirrored_x().mirrored_z(),
      wall);
  kit.add(cone(kTower + 0.05F, 0.0F, 0.30F, 0.004F)
              .at(half, tower_h + 0.025F, half)
              .mirrored_x()
              .mirrored_z(),
          roof);
  // The keep in the middle.
  const float keep = kit.vary(0.86F, 0.06F);
  kit.add(box(0.20F, 0.5F * keep, 0.20F, 0.008F).at(0, 0.5F * keep, -0.05F), wall);
  kit.add(box(0.225F, 0.03F, 0.225F, 0.008F).at(0, keep, -0.05F), wall);
  kit.add(prism(4, 0.34F, 0.01F, 0.004F).turned_y(45).at(0, keep + 0.03F, -0.05F), roof);
  kit.add(revolve({{0, 0}, {0.30F, 0}, {0, 0.30F}}).at(0, keep + 0.03F, -0.05F), roof);
  const Paint dark = Kit::fixed(0x2E2924, Finish::matte);
  const Solid window = box(0.025F, 0.055F, 0.012F, 0.01F);
  kit.add(unite({window.at(-0.09F, keep - 0.14F, 0.15F), window.at(0.09F, keep - 0.14F, 0.15F)}),
          dark);
  kit.add(unite({slit(kTower, 0.68F * tower_h, 15), slit(kTower, 0.40F * tower_h, 15),
                 slit(kTower, 0.62F * tower_h, 100)})
              .at(half, 0, half)
              .mirrored_x(),
          dark);
  const Solid gate = unite({box(0.10F, 0.10F, 0.02F, 0.005F).at(0, 0.10F, 0),
                            cylinder(0.10F, 0.02F, 0.004F).turned_x(90).at(0, 0.19F, 0)});
  kit.add(box(0.15F, 0.5F * wall_h + 0.04F, 0.05F, 0.008F).at(0, 0.5F * wall_h + 0.04F, half),
          wall);
  kit.add(gate.at(0, 0, half + 0.045F), Kit::fixed(0x6B4527, Finish::wood).along(1));
  kit.add(capsule({0, keep + 0.28F, -0.05F}, {0, keep + 0.50F, -0.05F}, 0.01F, 0.01F), dark);
  kit.add(extrude({{0, 0}, {0.16F, 0.055F}, {0, 0.11F}}, 0.008F).at(0.005F, keep + 0.38F, -0.05F),
          Kit::fixed(0xC9302C, Finish::fabric));
}

void build_lighthouse(Kit& kit) {
  const float r = kit.vary(0.21F, 0.07F), top = kit.vary(0.80F, 0.05F);
  const Paint wall = kit.main(0xF5F3EE, Finish::matte);
  const vec3 stripe = kit.accent(0xC9302C, Finish::matte).colour;
  const Paint rock = Kit::fixed(0x6E6A63, Finish::stone);
  const Solid mound =
      ellipsoid(0.40F, 0.14F, 0.38F)
          .displaced([](const vec3& p) { return 0.05F * fractal_noise(p * 7.0F, 2); }, 0.05F, 0.8F);
  kit.add(common(mound, box(1, 0.5F, 1).at(0, 0.5F, 0)), rock);
  kit.add(cone(r, 0.62F * r, top, 0.005F).at(0, 0.08F, 0),
          wall.patterned([=](const vec3& p, const vec3&, const vec3& c) {
            const float at = (p.y - 0.08F) / top * 5.0F;
            return static_cast<int>(std::floor(at)) % 2 == 1 ? stripe : c;
          }));
  const float deck = top + 0.08F;
  const Paint iron = Kit::fixed(0x34383D, Finish::metal);
  kit.add(cylinder(0.86F * r, 0.022F, 0.008F).at(0, deck, 0), iron);
  kit.add(torus(0.82F * r, 0.009F).at(0, deck + 0.085F, 0), iron);
  kit.add(capsule({0, deck, 0.82F * r}, {0, deck + 0.085F, 0.82F * r}, 0.008F, 0.008F).around_y(12),
          iron);
  kit.add(cylinder(0.46F * r, 0.085F, 0.01F).at(0, deck + 0.10F, 0),
          Kit::fixed(0xFFE27A, Finish::glow));
  kit.add(box(0.008F, 0.085F, 0.008F, 0.003F).at(0, deck + 0.10F, 0.47F * r).around_y(8), iron);
  kit.add(cone(0.66F * r, 0.02F, 0.15F, 0.006F).at(0, deck + 0.18F, 0),
          Kit::fixed(0xB5302A, Finish::metal));
  kit.add(sphere(0.028F).at(0, deck + 0.345F, 0), iron);
  const Paint dark = Kit::fixed(0x2F3A46, Finish::matte);
  kit.add(unite({box(0.028F, 0.04F, 0.03F, 0.008F).at(0, 0.34F, 0.86F * r),
                 box(0.024F, 0.035F, 0.03F, 0.008F).at(0, 0.62F, 0.75F * r)}),
          dark);
  kit.add(box(0.055F, 0.09F, 0.03F, 0.02F).at(0, 0.19F, 0.95F * r),
          Kit::fixed(0x6B4527, Finish::wood));
}

void build_windmill(Kit& kit) {
  const float r = kit.vary(0.27F, 0.06F), h = kit.vary(0.70F, 0.06F);
  const Paint wall = kit.main(0xEFE6D3, Finish::matte);
  const Paint roof = kit.accent(0x9A4A32, Finish::matte).patterned(tiles(0.045F));
  const Paint beam = Kit::fixed(0x7A5230, Finish::wood);
  kit.add(cone(r, 0.68F * r, h, 0.008F), wall);
  kit.add(cylinder(r + 0.02F, 0.03F).at(0, 0.03F, 0), Kit::fixed(0x8F8A82, Finish::stone));
  kit.add(cylinder(0.74F * r, 0.02F, 0.006F).at(0, h, 0), beam);
  kit.add(
      revolve(smooth({{0, 0}, {0.76F * r, 0}, {0.60F * r, 0.10F}, {0.25F * r, 0.19F}, {0, 0.22F}}))
          .at(0, h + 0.015F, 0),
      roof);
  const float hub = h - 0.02F, z = 0.78F * r + 0.07F;
  kit.add(cylinder(0.05F, 0.09F).turned_x(90).at(0, hub, z - 0.06F), beam);
  const float length = kit.vary(0.52F, 0.06F), spin = kit.between(35, 55);
  std::vector<Solid> spars, sails;
  for (int i = 0; i < 4; ++i) {
    const float turn = spin + 90.0F * static_cast<float>(i);
    const auto put = [&](const Solid& solid) { return solid.turned_z(turn).at(0, hub, z); };
    spars.push_back(put(box(0.013F, 0.5F * length, 0.012F, 0.005F).at(0, 0.5F * length, 0)));
    for (int k = 0; k < 5; ++k) {
      const float y = length * (0.26F + 0.175F * static_cast<float>(k));
      spars.push_back(put(box(0.075F, 0.007F, 0.008F, 0.003F).at(0.07F, y, 0)));
    }
    spars.push_back(put(box(0.007F, 0.36F * length, 0.008F, 0.003F).at(0.142F, 0.61F * length, 0)));
    sails.push_back(
        put(box(0.065F, 0.355F * length, 0.005F, 0.002F).at(0.075F, 0.61F * length, -0.008F)));
  }
  kit.add(unite(std::move(spars)), beam);
  kit.add(unite(std::move(sails)), Kit::fixed(0xF6EFDD, Finish::fabric));
  kit.add(box(0.07F, 0.12F, 0.03F, 0.02F).at(0, 0.12F, 0.93F * r), beam.along(1));
  const Paint pane = glass_pane();
  kit.add(unite({box(0.04F, 0.05F, 0.03F, 0.006F).at(0, 0.40F, 0.82F * r),
                 box(0.04F, 0.05F, 0.03F, 0.006F).at(0, 0.30F, 0.86F * r).turned_y(75),
                 box(0.04F, 0.05F, 0.03F, 0.006F).at(0, 0.42F, 0.81F * r).turned_y(-80)}),
          pane);
}

constexpr ObjectKind kKinds[] = {
    {"house", 9.0F, build_house},        {"tower", 15.0F, build_tower},
    {"castle", 40.0F, build_castle},     {"lighthouse", 20.0F, build_lighthouse},
    {"windmill", 15.0F, build_windmill},
};

}  // namespace

std::span<const ObjectKind> building_objects() { return kKinds; }

}  // namespace lode::sketch
