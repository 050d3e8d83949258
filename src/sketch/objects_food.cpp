// Fruit, vegetables, cakes and sweets.
#include <cmath>
#include <glm/geometric.hpp>
#include <glm/trigonometric.hpp>

#include "sketch/noise.h"
#include "sketch/objects.h"
#include "sketch/shapes.h"

namespace lode::sketch {
namespace {

using glm::vec2;
using glm::vec3;

const Paint& stalk() {
  static const Paint kStalk = Kit::fixed(0x5E4126, Finish::bark);
  return kStalk;
}

void build_apple(Kit& kit) {
  const float r = kit.vary(0.48F, 0.06F), h = kit.vary(0.88F, 0.05F);
  const Paint skin = kit.main(0xC8262A, Finish::fruit);
  const vec3 blush = kit.has_accent() ? kit.accent(0, Finish::fruit).colour
                                      : mix(skin.colour, rgb(0xF2C94C), 0.55F);
  const Solid body = revolve(smooth({{0, 0.07F},
                                     {0.10F, 0.03F},
                                     {0.24F, 0.0F},
                                     {0.78F * r, 0.16F * h},
                                     {r, 0.56F * h},
                                     {0.86F * r, 0.86F * h},
                                     {0.50F * r, 0.97F * h},
                                     {0.20F * r, 0.91F * h},
                                     {0, 0.80F * h}}));
  kit.add(body, skin.patterned([=](const vec3& p, const vec3&, const vec3& c) {
    const float streak = 0.5F + 0.5F * noise({9 * std::atan2(p.x, p.z), 2.0F * p.y, 0});
    const float top = std::max(0.0F, (p.y / h - 0.72F) / 0.28F);
    return mix(c, blush, std::min(0.85F, 0.20F * streak + 0.6F * top * streak + 0.35F * top));
  }));
  kit.add(tube(bezier({0, 0.78F * h, 0}, {0, 0.95F * h, 0}, {0.02F, h, 0}, {0.06F, h + 0.14F, 0}),
               0.02F, 0.028F),
          stalk());
  kit.add(leaf(0.30F, 0.15F, 0.03F, 0.08F)
              .turned_x(62)
              .turned_y(kit.between(60, 110))
              .at(0.02F, 0.97F * h, 0),
          Kit::fixed(0x4FA03A, Finish::fruit));
}

void build_pear(Kit& kit) {
  const float r = kit.vary(0.36F, 0.06F), neck = kit.vary(0.16F, 0.1F);
  const Paint skin = kit.main(0xB7C436, Finish::fruit);
  const vec3 blush = kit.accent(0xD98A3A, Finish::fruit).colour;
  kit.add(revolve(smooth({{0, 0.05F},
                          {0.10F, 0.01F},
                          {0.24F, 0.03F},
                          {r, 0.30F},
                          {0.82F * r, 0.55F},
                          {neck + 0.02F, 0.78F},
                          {0.9F * neck, 0.92F},
                          {0.07F, 1.0F},
                          {0, 0.98F}})),
          skin.patterned([=](const vec3& p, const vec3&, const vec3& c) {
            const float side = std::max(0.0F, p.x + 0.2F * p.z) / r;
            return mix(c, blush, 0.55F * side * side);
          }));
  kit.add(tube(bezier({0, 0.97F, 0}, {0, 1.08F, 0}, {0.03F, 1.12F, 0}, {0.07F, 1.17F, 0}), 0.018F,
               0.026F),
          stalk());
  kit.add(leaf(0.22F, 0.11F, 0.025F, 0.06F)
              .turned_x(60)
              .turned_y(kit.between(60, 110))
              .at(0.01F, 1.02F, 0),
          Kit::fixed(0x4E9B3C, Finish::fruit));
}

void build_banana(Kit& kit) {
  const Paint skin = kit.main(0xF4CE2E, Finish::fruit);
  const float bend = kit.vary(0.34F, 0.1F), fat = kit.vary(0.135F, 0.08F);
  const std::vector<vec3> spine =
      bezier({-0.62F, bend, 0}, {-0.30F, -0.13F, 0}, {0.30F, -0.13F, 0}, {0.62F, bend, 0}, 20);
  std::vector<Solid> pieces;
  for (std::size_t i = 0; i + 1 < spine.size(); ++i) {
    const auto fat_at = [&](std::size_t k) {
      const float along = 2.0F * static_cast<float>(k) / static_cast<float>(spine.size() - 1) - 1;
      return fat * (1 - 0.62F * std::pow(std::abs(along), 3.5F));
    };
    pieces.push_back(capsule(spine[i], spine[i + 1], fat_at(i), fat_at(i + 1)));
  }
  const auto ripened = skin.patterned([](const vec3& p, const vec3&, const vec3& c) {
    const float end = std::abs(p.x) > 0.60F ? 0.7F : 0.0F;
    const float freckle = noise(p * vec3(16, 30, 30)) > 0.72F ? 0.55F : 0.0F;
    const vec3 green =
        mix(c, vec3(0.55F, 0.65F, 0.2F), 0.5F * std::max(0.0F, std::abs(p.x) - 0.42F) / 0.2F);
    return mix(green, vec3(0.33F, 0.22F, 0.10F), std::max(end, freckle));
  });
  const float low = fat - 0.06F;
  kit.add(unite(std::move(pieces)).at(0, low, 0), ripened);
  kit.add(
      capsule({0.62F, bend + low, 0}, {0.71F, bend + 0.13F + low, 0}, 0.045F, 0.04F),
      Kit::fixed(0x9A8A2E, Finish::fruit).patterned([=](const vec3& p, const vec3&, const vec3& c) {
        return p.x > 0.72F ? vec3(0.28F, 0.19F, 0.10F) : c;
      }));
  kit.add(sphere(0.04F).at(-0.64F, bend + low + 0.015F, 0), Kit::fixed(0x3B2A18, Finish::fruit));
}

void build_carrot(Kit& kit) {
  const Paint skin = kit.main(0xF07F1B, Finish::fruit);
  const float r = kit.vary(0.17F, 0.1F);
  kit.add(revolve(smooth({{0, 0},
                          {0.025F, 0.01F},
                          {0.52F * r, 0.28F},
                          {0.86F * r, 0.58F},
                          {r, 0.76F},
                          {0.8F * r, 0.83F},
                          {0.3F * r, 0.85F},
                          {0, 0.83F}})),
          skin.patterned([](const vec3& p, const vec3&, const vec3& c) {
            const float turn = std::atan2(p.x, p.z);
            const float ring = noise({1.2F * turn, 26 * p.y, 0});
            return ring > 0.55F ? c * 0.80F : c;
          }));
  const Paint green = kit.accent(0x3F9A3A, Finish::foliage);
  for (int i = 0; i < 9; ++i) {
    const float turn = 40.0F * static_cast<float>(i) + kit.between(-10, 10);
    const float tilt = i < 3 ? kit.between(4, 12) : kit.between(20, 38);
    const float length = kit.between(0.34F, 0.48F);
    // A stalk with leaflets on both sides, like a feather.
    std::vector<Solid> frond = {capsule({0, 0, 0}, {0, length, 0}, 0.012F, 0.006F)};
    for (int k = 1; k <= 5; ++k) {
      const float y = length * (0.25F + 0.15F * static_cast<float>(k));
      const Solid leaflet = leaf(0.14F - 0.012F * static_cast<float>(k), 0.06F, 0.026F);
      frond.push_back(leaflet.turned_z(-48).at(0, y - 0.06F, 0));
      frond.push_back(leaflet.turned_z(48).at(0, y - 0.06F, 0));
    }
    kit.add(unite(std::move(frond)).turned_x(tilt).turned_y(turn).at(0, 0.82F, 0),
            green.shaded(0.86F + 0.04F * static_cast<float>(i % 4)));
  }
}

void build_pumpkin(Kit& kit) {
  const Paint skin = kit.main(0xEB7A1A, Finish::fruit);
  const float r = kit.vary(0.52F, 0.06F), h = kit.vary(0.37F, 0.08F);
  const int ribs = kit.pick(9, 11);
  const auto lobes = [=](const vec3& p) {
    const float turn = std::atan2(p.x, p.z) * static_cast<float>(ribs) * 0.5F;
    const float waist = std::min(1.0F, 2.2F * std::sqrt(p.x * p.x + p.z * p.z) / r);
    return waist * (0.055F * std::sqrt(std::abs(std::cos(turn)) + 0.02F) - 0.03F) -
           0.06F * std::exp(-30.0F * (p.x * p.x + p.z * p.z));
  };
  kit.add(ellipsoid(r - 0.03F, h, r - 0.03F).displaced(lobes, 0.085F, 0.9F).at(0, h, 0),
          skin.patterned([=](const vec3& p, const vec3&, const vec3& c) {
            const float groove =
                1 - std::abs(std::cos(std::atan2(p.x, p.z) * static_cast<float>(ribs) * 0.5F));
            return c * (1.04F - 0.30F * groove * groove);
          }));
  kit.add(tube(bezier({0, 1.8F * h, 0}, {0, 2.0F * h + 0.04F, 0}, {0.02F, 2 * h + 0.08F, 0},
                      {0.12F, 2 * h + 0.14F, 0}),
               0.07F, 0.045F),
          kit.accent(0x6B7A34, Finish::bark));
}

void build_cake(Kit& kit) {
  const Paint icing = kit.main(0xF6A9C4, Finish::plastic);
  const Paint cream = kit.accent(0xFFF8EC, Finish::plastic);
  const float r = kit.vary(0.50F, 0.06F), h = kit.vary(0.38F, 0.1F);
  kit.add(cylinder(r + 0.12F, 0.015F, 0.01F).at(0, 0.015F, 0),
          Kit::fixed(0xEDEFF2, Finish::ceramic));
  const vec3 sponge = rgb(0xE7BF7C);
  kit.add(cylinder(r, 0.5F * h, 0.03F).at(0, 0.5F * h + 0.03F, 0),
          icing.patterned([=](const vec3& p, const vec3& n, const vec3& c) {
            const float drip = 0.06F * std::sin(9 * std::atan2(p.x, p.z)) +
                               0.03F * std::sin(17 * std::atan2(p.x, p.z));
            const bool is_iced = n.y > 0.5F || p.y > 0.60F * h + drip;
            const bool is_cream = std::abs(p.y - 0.34F * h) < 0.028F;
            return is_iced ? c : is_cream ? cream.colour : sponge;
          }));
  const int puffs = kit.pick(10, 12);
  const Solid puff = blend({sphere(0.065F), sphere(0.035F).at(0, 0.06F, 0)}, 0.05F);
  kit.add(puff.at(0, h + 0.06F, r - 0.09F).around_y(puffs), cream);
  const Solid cherry = sphere(0.042F).at(0, h + 0.15F, r - 0.09F).around_y(puffs);
  kit.add(cherry, Kit::fixed(0xC21F2E, Finish::ceramic));
  const int candles = kit.pick(3, 5);
  kit.add(cylinder(0.02F, 0.11F).at(0, h + 0.12F, 0.19F).around_y(candles),
          Kit::fixed(0x4FA3D9, Finish::plastic));
  kit.add(flame(0.12F).at(0, h + 0.24F, 0.19F).around_y(candles),
          Kit::fixed(0xFFC23A, Finish::glow));
}

void build_donut(Kit& kit) {
  const Paint icing = kit.main(0xF286B4, Finish::ceramic);
  const float ring = kit.vary(0.38F, 0.05F), tube_r = kit.vary(0.20F, 0.07F);
  kit.add(torus(ring, tube_r).stretched(1, 0.85F, 1).at(0, 0.85F * tube_r, 0),
          Kit::fixed(0xD69A55, Finish::fruit));
  const auto drip = [=](const vec3& p) {
    return 0.03F * std::sin(7 * std::atan2(p.x, p.z)) +
           0.02F * std::sin(12 * std::atan2(p.x, p.z) + 1);
  };
  const Solid coat = torus(ring, tube_r + 0.018F).stretched(1, 0.85F, 1).at(0, 0.85F * tube_r, 0);
  const Solid above =
      Solid([=](const vec3& p) { return (0.85F * tube_r + 0.01F + drip(p) - p.y) * 0.75F; },
            {{-1, -0.1F, -1}, {1, 1, 1}});
  kit.add(common(coat, above, 0.03F), icing);
  constexpr std::uint32_t kSugar[] = {0xFFF6D8, 0x57C2E0, 0xF7D23E, 0x7BD06B, 0xF25C54};
  std::vector<std::vector<Solid>> sprinkles(5);
  for (int i = 0; i < 46; ++i) {
    const float turn = kit.between(0, 6.28F), lean = kit.between(-0.75F, 0.75F);
    const vec3 out(std::sin(turn), 0, std::cos(turn));
    const vec3 up = std::cos(lean) * vec3(0, 1, 0) + std::sin(lean) * out;
    const vec3 at =
        out * ring + up * vec3(1, 0.85F, 1) * (tube_r + 0.018F) + vec3(0, 0.85F * tube_r, 0);
    const float spin = kit.between(0, 6.28F);
    const vec3 side(std::cos(turn), 0, -std::sin(turn));
    const vec3 along = 0.028F * (std::cos(spin) * side + std::sin(spin) * glm::cross(side, up));
    sprinkles[static_cast<std::size_t>(i % 5)].push_back(
        capsule(at - along, at + along, 0.012F, 0.012F));
  }
  for (std::size_t i = 0; i < sprinkles.size(); ++i) {
    kit.add(unite(std::move(sprinkles[i])), Kit::fixed(kSugar[i], Finish::plastic));
  }
}

void build_ice_cream(Kit& kit) {
  const Paint scoop = kit.main(0xF7A8B8, Finish::matte);
  const Paint second = kit.accent(0xFFF1CF, Finish::matte);
  const float r = kit.vary(0.24F, 0.06F);
  kit.add(
      cone(0.02F, 0.235F, 0.66F),
      Kit::fixed(0xD9A055, Finish::matte).patterned([](const vec3& p, const vec3&, const vec3& c) {
        const float turn = std::atan2(p.x, p.z) * 2.2F;
        const float a = std::sin(3.5F * turn + 30 * p.y), b = std::sin(3.5F * turn - 30 * p.y);
        return std::max(a, b) > 0.86F ? c * 0.70F : c;
      }));
  kit.add(cylinder(0.25F, 0.04F, 0.015F).at(0, 0.66F, 0), Kit::fixed(0xC98E45, Finish::matte));
  const auto ball = [](float radius, float offset) {
    return sphere(radius).displaced(
        [offset](const vec3& p) { return 0.018F * noise(p * 13.0F + offset); }, 0.018F, 0.8F);
  };
  kit.add(blend({ball(r, 0).at(0, 0.80F, 0), torus(0.9F * r, 0.045F).at(0, 0.71F, 0)}, 0.05F),
          second);
  kit.add(blend({ball(0.9F * r, 5).at(0, 1.08F, 0), torus(0.8F * r, 0.04F).at(0, 0.99F, 0)}, 0.05F),
          scoop);
  kit.add(sphere(0.07F).at(0.02F, 1.33F, 0), Kit::fixed(0xC2192C, Finish::ceramic));
  kit.add(tube(bezier({0.02F, 1.38F, 0}, {0.02F, 1.45F, 0}, {0.06F, 1.50F, 0}, {0.12F, 1.52F, 0}),
               0.009F),
          Kit::fixed(0x4F7A32, Finish::matte));
}

void build_burger(Kit& kit) {
  const Paint bun = kit.main(0xD08A3C, Finish::fruit);
  const float r = kit.vary(0.50F, 0.05F);
  const auto wavy = [](float radius, float half, float swing, float waves) {
    return cylinder(radius, half, 0.8F * half)
        .displaced(
            [=](const vec3& p) {
              return swing * std::sin(waves * std::atan2(p.x, p.z)) *
                     std::min(1.0F, (p.x * p.x + p.z * p.z) / (radius * radius));
            },
            swing, 0.6F);
  };
  kit.add(cylinder(r, 0.09F, 0.07F).at(0, 0.09F, 0), bun);
  kit.add(cylinder(r + 0.02F, 0.07F, 0.06F)
              .displaced([](const vec3& p) { return 0.012F * noise(p * 18.0F); }, 0.012F, 0.6F)
              .at(0, 0.24F, 0),
          Kit::fixed(0x5A3420, Finish::stone));
  const Solid slice = box(r + 0.01F, 0.014F, r + 0.01F, 0.012F).turned_y(45);
  kit.add(common(slice, cylinder(r + 0.16F, 0.1F)).at(0, 0.325F, 0),
          kit.accent(0xF6B81F, Finish::plastic));
  kit.add(cylinder(r - 0.02F, 0.03F, 0.025F).at(0, 0.37F, 0), Kit::fixed(0xCC3326, Finish::fruit));
  kit.add(wavy(r + 0.05F, 0.03F, 0.035F, 13).at(0, 0.425F, 0),
          Kit::fixed(0x6DB33F, Finish::foliage));
  const Solid top = revolve(smooth({{0, 0},
                                    {r - 0.05F, 0},
                                    {r + 0.01F, 0.05F},
                                    {0.92F * r, 0.19F},
                                    {0.55F * r, 0.31F},
                                    {0, 0.35F}}));
  kit.add(top.at(0, 0.455F, 0), bun.patterned([](const vec3& p, const vec3&, const vec3& c) {
    return p.y < 0.50F ? mix(c, rgb(0xF0D09A), 0.6F) : c;
  }));
  std::vector<Solid> seeds;
  for (int i = 0; i < 34; ++i) {
    const float turn = 2.39996F * static_cast<float>(i),
                out = 0.74F * r * std::sqrt((static_cast<float>(i) + 0.5F) / 34);
    const float y = 0.455F + 0.35F - 0.47F * out * out / r;
    seeds.push_back(ellipsoid(0.016F, 0.012F, 0.027F)
                        .turned_y(glm::degrees(turn))
                        .at(out * std::sin(turn), y, out * std::cos(turn)));
  }
  kit.add(unite(std::move(seeds)), Kit::fixed(0xF7E7BE, Finish::matte));
}

constexpr ObjectKind kKinds[] = {
    {"apple", 0.08F, build_apple},     {"pear", 0.10F, build_pear},
    {"banana", 0.18F, build_banana},   {"carrot", 0.20F, build_carrot},
    {"pumpkin", 0.30F, build_pumpkin}, {"cake", 0.28F, build_cake},
    {"donut", 0.10F, build_donut},     {"ice cream", 0.20F, build_ice_cream},
    {"burger", 0.12F, build_burger},
};

}  // namespace

std::span<const ObjectKind> food_objects() { return kKinds; }

}  // namespace lode::sketch
