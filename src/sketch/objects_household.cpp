// Clocks, chests, barrels, candles and books.
#include <cmath>
#include <glm/trigonometric.hpp>

#include "sketch/objects.h"
#include "sketch/shapes.h"

namespace lode::sketch {
namespace {

using glm::vec2;
using glm::vec3;

/// Twelve ticks on a face of this radius in the plane z = `z`, centred at height `y`.
Solid clock_ticks(float radius, float y, float z) {
  std::vector<Solid> ticks;
  for (int hour = 0; hour < 12; ++hour) {
    const bool is_quarter = hour % 3 == 0;
    ticks.push_back(box(is_quarter ? 0.020F : 0.011F, is_quarter ? 0.045F : 0.03F, 0.008F, 0.003F)
                        .at(0, radius, 0)
                        .turned_z(30.0F * static_cast<float>(hour))
                        .at(0, y, z));
  }
  return unite(std::move(ticks));
}

void build_clock(Kit& kit) {
  const float r = kit.vary(0.40F, 0.06F), y = r + 0.12F, thick = kit.vary(0.13F, 0.15F);
  const Paint body = kit.main(0xC4382F, Finish::plastic);
  const Paint brass = kit.accent(0xD1A545, Finish::metal);
  const Paint ink = Kit::fixed(0x1E1E22, Finish::matte);
  kit.add(cut(cylinder(r, thick, 0.05F), cylinder(r - 0.05F, 0.10F, 0.0F).at(0, thick + 0.06F, 0))
              .turned_x(90)
              .at(0, y, 0),
          body);
  const float face = thick - 0.03F;
  kit.add(cylinder(r - 0.045F, 0.012F, 0.003F).turned_x(90).at(0, y, face),
          Kit::fixed(0xFBF8EF, Finish::matte));
  kit.add(clock_ticks(r - 0.11F, y, face + 0.012F), ink);
  const float hour = -kit.between(40, 70), minute = -kit.between(290, 320);
  kit.add(box(0.018F, 0.28F * r, 0.009F, 0.006F)
              .at(0, 0.24F * r, 0)
              .turned_z(hour)
              .at(0, y, face + 0.02F),
          ink);
  kit.add(box(0.013F, 0.38F * r, 0.009F, 0.006F)
              .at(0, 0.33F * r, 0)
              .turned_z(minute)
              .at(0, y, face + 0.03F),
          ink);
  kit.add(cylinder(0.03F, 0.02F).turned_x(90).at(0, y, face + 0.03F), brass);
  const Solid bell = cut(sphere(0.16F), box(0.3F, 0.3F, 0.3F).at(0, -0.3F, 0), 0.01F);
  kit.add(bell.at(0, r + 0.05F, 0).turned_z(-33).at(0, y, 0).mirrored_x(), brass);
  kit.add(capsule({0, r - 0.02F, 0}, {0, r + 0.08F, 0}, 0.02F, 0.02F)
              .turned_z(-33)
              .at(0, y, 0)
              .mirrored_x(),
          body);
  kit.add(unite({capsule({0, y + r, 0}, {0, y + r + 0.12F, 0}, 0.016F, 0.016F),
                 sphere(0.045F).at(0, y + r + 0.14F, 0)}),
          brass);
  kit.add(capsule({0.20F, y - 0.8F * r, 0}, {0.30F, 0.03F, 0.02F}, 0.04F, 0.03F).mirrored_x(),
          brass);
}

void build_chest(Kit& kit) {
  const float w = kit.vary(0.52F, 0.06F), d = kit.vary(0.32F, 0.06F), h = kit.vary(0.36F, 0.1F);
  const Paint wood = kit.main(0x8B5A2E, Finish::wood);
  const Paint iron = kit.accent(0xC79A3C, Finish::metal);
  const auto planks = [h](const vec3& p, const vec3&, const vec3& c) {
    const float pitch = h / 3;
    const float in_plank = p.y / pitch - std::floor(p.y / pitch);
    return p.y < h && in_plank < 0.07F ? c * 0.55F : c;
  };
  kit.add(box(w, 0.5F * h, d, 0.015F).at(0, 0.5F * h, 0), wood.patterned(planks).along(0));
  // The lid: the upper half of a lying barrel.
  const auto lid = [&](float half_length, float grow) {
    const Solid roll = cylinder(d + grow, half_length, 0.012F).turned_z(90).stretched(1, 0.72F, 1);
    return common(roll, box(half_length, 0.5F, 1).at(0, 0.5F, 0)).at(0, h + 0.015F, 0);
  };
  kit.add(lid(w, 0), wood.along(0));
  kit.add(box(w + 0.01F, 0.02F, d + 0.01F, 0.008F).at(0, h, 0), iron);
  kit.add(box(w + 0.01F, 0.025F, d + 0.01F, 0.008F).at(0, 0.025F, 0), iron);
  for (const float x : {-0.62F * w, 0.62F * w}) {
    kit.add(lid(0.045F, 0.014F).at(x, 0, 0), iron);
    kit.add(box(0.045F, 0.5F * h, d + 0.012F, 0.008F).at(x, 0.5F * h, 0), iron);
  }
  for (const float x : {-w + 0.02F, w - 0.02F}) {
    kit.add(lid(0.03F, 0.014F).at(x, 0, 0), iron);
  }
  kit.add(box(0.075F, 0.085F, 0.02F, 0.015F).at(0, h - 0.03F, d + 0.02F), iron.shaded(1.15F));
  kit.add(cylinder(0.018F, 0.03F).turned_x(90).at(0, h - 0.02F, d + 0.02F),
          Kit::fixed(0x241A12, Finish::matte));
  kit.add(box(0.01F, 0.035F, 0.03F, 0.004F).at(0, h - 0.05F, d + 0.015F),
          Kit::fixed(0x241A12, Finish::matte));
}

void build_barrel(Kit& kit) {
  const float belly = kit.vary(0.40F, 0.06F), end = kit.vary(0.31F, 0.06F),
              h = kit.vary(1.0F, 0.06F);
  const Paint wood = kit.main(0xA06A37, Finish::wood);
  const Paint hoop = kit.accent(0x6C7076, Finish::metal);
  const std::vector<vec2> side = smooth({{end, 0},
                                         {0.5F * (end + belly) + 0.02F, 0.22F * h},
                                         {belly, 0.5F * h},
                                         {0.5F * (end + belly) + 0.02F, 0.78F * h},
                                         {end, h}});
  std::vector<vec2> outline = {{0, 0.03F}, {end - 0.03F, 0.03F}, {end - 0.03F, 0}};
  outline.insert(outline.end(), side.begin(), side.end());
  outline.insert(outline.end(), {{end - 0.03F, h}, {end - 0.03F, h - 0.03F}, {0, h - 0.03F}});
  const int staves = kit.pick(16, 20);
  kit.add(revolve(outline),
          wood.along(1).patterned([staves](const vec3& p, const vec3& n, const vec3& c) {
            const float turn = std::atan2(p.x, p.z) / 6.2831853F * static_cast<float>(staves);
            const float at = std::abs(n.y) > 0.8F ? p.x * 9.0F : turn;
            const float gap = std::abs(at - std::round(at));
            const float tone = 0.92F + 0.14F * std::sin(2.4F * std::floor(at + 0.5F));
            return gap > 0.45F ? c * 0.55F : c * tone;
          }));
  const auto radius_at = [&](float y) {
    const float up = 2 * y / h - 1;
    return belly + 0.004F - (belly - end) * (up * up) * 0.96F;
  };
  for (const float share : {0.07F, 0.27F, 0.73F, 0.93F}) {
    const float y = share * h;
    kit.add(revolve({{radius_at(y - 0.03F) - 0.02F, y - 0.03F},
                     {radius_at(y - 0.03F) + 0.012F, y - 0.03F},
                     {radius_at(y + 0.03F) + 0.012F, y + 0.03F},
                     {radius_at(y + 0.03F) - 0.02F, y + 0.03F}}),
            hoop);
  }
}

void build_candle(Kit& kit) {
  const float r = kit.vary(0.14F, 0.1F), h = kit.vary(0.60F, 0.1F);
  const Paint wax = kit.main(0xF3E6C8, Finish::plastic);
  const Paint dish = kit.accent(0xC49A45, Finish::metal);
  kit.add(vessel(smooth({{0, 0}, {0.26F, 0}, {0.31F, 0.03F}, {0.36F, 0.09F}}), 0.025F), dish);
  kit.add(torus(0.085F, 0.022F).turned_x(90).at(0.42F, 0.09F, 0), dish);
  kit.add(cylinder(r + 0.035F, 0.06F).at(0, 0.08F, 0), dish);
  const Solid drips =
      unite({capsule({0, h + 0.05F, r}, {0, 0.72F * h, r + 0.005F}, 0.025F, 0.034F),
             capsule({0, h + 0.05F, r}, {0, 0.50F * h, r + 0.004F}, 0.022F, 0.03F).turned_y(80),
             capsule({0, h + 0.05F, r}, {0, 0.80F * h, r + 0.005F}, 0.022F, 0.03F).turned_y(150),
             capsule({0, h + 0.05F, r}, {0, 0.60F * h, r + 0.004F}, 0.022F, 0.032F).turned_y(255)});
  const Solid stick = cut(cylinder(r, 0.5F * h, 0.03F).at(0, 0.5F * h + 0.08F, 0),
                          ellipsoid(0.8F * r, 0.05F, 0.8F * r).at(0, h + 0.09F, 0), 0.02F);
  // Wax lets the flame's light through near the top.
  kit.add(blend({stick, drips}, 0.03F),
          wax.patterned([h](const vec3& p, const vec3&, const vec3& c) {
            const float near = std::max(0.0F, (p.y - 0.55F * h) / (0.55F * h));
            return mix(c, vec3(1.0F, 0.86F, 0.55F), 0.45F * near);
          }));
  kit.add(capsule({0, h, 0}, {0.01F, h + 0.15F, 0}, 0.012F, 0.01F),
          Kit::fixed(0x2A211C, Finish::matte));
  kit.add(
      flame(0.30F).at(0, h + 0.11F, 0),
      Kit::fixed(0xFFB02E, Finish::glow).patterned([h](const vec3& p, const vec3&, const vec3& c) {
        const float up = std::clamp((p.y - h - 0.11F) / 0.30F, 0.0F, 1.0F);
        return mix(vec3(1.0F, 0.95F, 0.66F), c, up);
      }));
}

void build_book(Kit& kit) {
  const float w = kit.vary(0.36F, 0.06F), h = kit.vary(0.50F, 0.06F), t = kit.vary(0.10F, 0.15F);
  const Paint cover = kit.main(0x8E2B2B, Finish::leather);
  const vec3 gilt = kit.accent(0xE2B84C, Finish::matte).colour;
  const float board = 0.022F;
  const Paint::Pattern title = [=](const vec3& p, const vec3& n, const vec3& c) {
    const float x = std::abs(p.x), y = p.y - 1.08F * h;
    if (n.z < 0.8F) {
      return c;
    }
    const bool is_frame = x < w - 0.05F && std::abs(p.y - h) < h - 0.05F &&
                          !(x < w - 0.075F && std::abs(p.y - h) < h - 0.075F);
    const bool is_title = std::abs(y - 0.18F) < 0.03F && x < 0.17F;
    const bool is_line = std::abs(y - 0.06F) < 0.015F && x < 0.11F;
    const float star_r = std::sqrt(p.x * p.x + (y + 0.22F) * (y + 0.22F));
    return is_frame || is_title || is_line || std::abs(star_r - 0.09F) < 0.018F ? gilt : c;
  };
  // Stands upright, cover to the front, spine to the left.
  kit.add(box(w, h, board, 0.01F).at(0, h, t).mirrored_z(), cover.patterned(title));
  kit.add(common(cylinder(t + board, h, 0.01F).stretched(0.5F, 1, 1), box(t, h, 1).at(-t, 0, 0))
              .at(-w + 0.01F, h, 0),
          cover.patterned([=](const vec3& p, const vec3&, const vec3& c) {
            const float y = std::abs(p.y - h);
            return std::abs(y - 0.7F * h) < 0.02F || std::abs(y - 0.35F * h) < 0.02F ? gilt : c;
          }));
  kit.add(
      box(w - 0.02F, h - 0.03F, t - 0.005F, 0.004F).at(-0.01F, h, 0),
      Kit::fixed(0xF3EAD2, Finish::matte).patterned([](const vec3& p, const vec3&, const vec3& c) {
        return c * (0.94F + 0.07F * std::sin(p.z * 260.0F));
      }));
  kit.add(box(0.018F, 0.06F, 0.004F, 0.002F).at(0.3F * w, 0.02F, 0.2F * t),
          Kit::fixed(0xB8322C, Finish::fabric));
}

constexpr ObjectKind kKinds[] = {
    {"clock", 0.25F, build_clock},   {"chest", 0.8F, build_chest}, {"barrel", 0.9F, build_barrel},
    {"candle", 0.25F, build_candle}, {"book", 0.25F, build_book},
};

}  // namespace

std::span<const ObjectKind> household_objects() { return kKinds; }

}  // namespace lode::sketch
