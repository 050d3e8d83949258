// Trees, flowers, cacti and mushrooms.
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

constexpr std::uint32_t kBark = 0x6E4A2E;

/// A leafy clump: a ball made uneven by noise.
Solid clump(const vec3& centre, float radius, float offset) {
  return sphere(0.94F * radius)
      .displaced(
          [radius, offset](const vec3& p) {
            return 0.09F * radius * fractal_noise(p * (3.2F / radius) + offset, 2);
          },
          0.09F * radius, 0.6F)
      .at(centre);
}

void build_tree(Kit& kit) {
  const Paint bark = kit.accent(kBark, Finish::bark);
  const Paint leaves = kit.main(0x4C9A3A, Finish::foliage);
  const float crown = kit.vary(0.68F, 0.06F), wide = kit.vary(0.34F, 0.08F);
  const Solid trunk = blend(
      {tube({{0, -0.01F, 0}, {0.01F, 0.2F, 0}, {-0.01F, 0.4F, 0.01F}, {0.0F, crown, 0}}, 0.085F,
            0.05F),
       capsule({0, 0.36F, 0}, {0.20F, 0.62F, 0.04F}, 0.04F, 0.025F),
       capsule({0, 0.32F, 0}, {-0.19F, 0.58F, -0.05F}, 0.04F, 0.025F), cone(0.15F, 0.07F, 0.10F)},
      0.06F);
  kit.add(trunk, bark);
  const int sides = kit.pick(5, 6);
  const float start = kit.between(0, 360);
  kit.add(clump({0, crown + 0.16F, 0}, wide, 3), leaves.shaded(1.06F));
  for (int i = 0; i < sides; ++i) {
    const float angle =
        glm::radians(start + 360.0F * static_cast<float>(i) / static_cast<float>(sides));
    const float r = kit.vary(0.24F, 0.12F), out = kit.vary(0.27F, 0.1F),
                y = crown + kit.between(-0.09F, 0.08F);
    kit.add(
        clump({out * std::sin(angle), y, out * std::cos(angle)}, r, 7.0F * static_cast<float>(i)),
        leaves);
  }
}

void build_pine_tree(Kit& kit) {
  const Paint needles = kit.main(0x2E6B3F, Finish::foliage);
  kit.add(cone(0.075F, 0.05F, 0.3F), kit.accent(kBark, Finish::bark));
  const int tiers = kit.pick(4, 5);
  const float wide = kit.vary(0.40F, 0.08F);
  for (int i = 0; i < tiers; ++i) {
    const float share = static_cast<float>(i) / static_cast<float>(tiers);
    const float r = wide * (1 - 0.80F * share), y = 0.18F + 0.80F * share;
    const float h = 0.42F - 0.10F * share;
    // Boughs: the skirt waves and hangs, more so at its rim.
    const float turn = kit.between(0, 6.28F);
    const auto boughs = [=](const vec3& p) {
      const float rim = std::min(1.0F, std::sqrt(p.x * p.x + p.z * p.z) / r);
      return 0.020F * rim * std::cos(9 * std::atan2(p.x, p.z) + turn) + 0.016F * noise(p * 22.0F);
    };
    kit.add(
        revolve({{0, 0.03F}, {0.9F * r, 0}, {r, 0.015F}, {0.45F * r, 0.42F * h}, {0.0F, h}}, 0.012F)
            .displaced(boughs, 0.036F, 0.7F)
            .at(0, y, 0),
        needles.shaded(0.92F + 0.2F * share));
  }
}

void build_palm_tree(Kit& kit) {
  const Paint leaves = kit.main(0x3F9A45, Finish::foliage);
  const Paint bark = kit.accent(0x9A7448, Finish::bark);
  const float lean = kit.vary(0.20F, 0.25F), top = kit.vary(0.92F, 0.05F);
  const auto ringed = [](const vec3& p, const vec3&, const vec3& c) {
    return std::sin(95 * p.y) > 0.75F ? c * 0.68F : c;
  };
  kit.add(tube(bezier({0, -0.02F, 0}, {0.02F, 0.35F, 0}, {lean, 0.55F, 0}, {lean, top, 0}), 0.075F,
               0.045F),
          bark.patterned(ringed));
  kit.add(cone(0.11F, 0.06F, 0.08F), bark);
  const int fronds = kit.pick(8, 9);
  for (int i = 0; i < fronds; ++i) {
    const float turn =
        360.0F * static_cast<float>(i) / static_cast<float>(fronds) + kit.between(-9, 9);
    const float rise = kit.between(30, 62), length = kit.vary(0.56F, 0.1F);
    const auto ribs = [](const vec3& p, const vec3&, const vec3& c) {
      return c * (1.0F + 0.16F * std::sin(70 * (p.x + p.z + p.y)));
    };
    kit.add(
        leaf(length, 0.15F, 0.035F, 0.55F * length).turned_x(rise).turned_y(turn).at(lean, top, 0),
        leaves.patterned(ribs).shaded(0.94F + 0.02F * static_cast<float>(i % 4)));
  }
  kit.add(sphere(0.06F).at(0, 0, 0.075F).around_y(3).at(lean, top - 0.055F, 0),
          Kit::fixed(0x5E3D22, Finish::fruit));
}

/// An upright ribbed column with a round top, standing on the origin.
Solid ribbed(float radius, float height) {
  constexpr float kRibs = 11;
  const Solid core = capsule({0, 0.5F * radius, 0}, {0, height - radius, 0}, radius, radius);
  return core.displaced(
      [radius](const vec3& p) { return 0.09F * radius * std::cos(kRibs * std::atan2(p.x, p.z)); },
      0.09F * radius, 0.9F);
}

void build_cactus(Kit& kit) {
  const Paint skin = kit.main(0x4E9A51, Finish::fruit);
  const Paint ridged = skin.patterned([](const vec3& p, const vec3&, const vec3& c) {
    return c * (1.0F + 0.10F * std::cos(11 * std::atan2(p.x, p.z)));
  });
  const Paint pot = kit.accent(0xC06A3E, Finish::clay);
  const float r = kit.vary(0.15F, 0.08F), h = kit.vary(0.78F, 0.06F), base = 0.26F;
  kit.add(cone(0.20F, 0.27F, base), pot);
  kit.add(cylinder(0.30F, 0.045F, 0.015F).at(0, base, 0), pot);
  kit.add(cylinder(0.265F, 0.012F, 0.004F).at(0, base + 0.045F, 0),
          Kit::fixed(0x5B4330, Finish::stone));
  kit.add(ribbed(r, h).at(0, base, 0), ridged);
  const float left = base + kit.vary(0.30F, 0.15F), right = base + kit.vary(0.40F, 0.12F);
  const auto arm = [&](float y, float up) {
    return tube(bezier({0.08F, y, 0}, {r + 0.20F, y - 0.02F, 0}, {r + 0.15F, y + 0.02F, 0},
                       {r + 0.15F, y + up, 0}),
                0.07F, 0.068F);
  };
  kit.add(arm(right, 0.26F), skin);
  kit.add(arm(left, 0.32F).turned_y(180), skin);
  const Paint petals = Kit::fixed(0xEE6FA6, Finish::matte);
  kit.add(leaf(0.10F, 0.05F, 0.02F).turned_x(48).around_y(7).at(0, base + h - 0.02F, 0), petals);
  kit.add(sphere(0.03F).at(0, base + h + 0.02F, 0), Kit::fixed(0xF7D44A, Finish::matte));
  // Spines as dots on the ribs.
  std::vector<Solid> spines;
  for (int i = 0; i < 40; ++i) {
    const float turn = 6.2831853F * static_cast<float>(i % 11) / 11.0F;
    const float y = base + 0.12F + 0.62F * h * kit.between(0, 1);
    spines.push_back(sphere(0.011F).at(1.08F * r * std::sin(turn), y, 1.08F * r * std::cos(turn)));
  }
  kit.add(unite(std::move(spines)), Kit::fixed(0xF2EAC9, Finish::matte));
}

void build_flower(Kit& kit) {
  const Paint petals = kit.main(0xF3B51E, Finish::matte);
  const Paint heart = kit.accent(0x6B3F1D, Finish::matte);
  const Paint green = Kit::fixed(0x3F8F3C, Finish::fruit);
  const float y = kit.vary(0.74F, 0.06F);
  kit.add(
      tube(bezier({0, 0, 0}, {0.04F, 0.25F, 0}, {-0.03F, 0.5F, 0}, {0, y, -0.03F}), 0.03F, 0.024F),
      green);
  kit.add(leaf(0.34F, 0.15F, 0.03F, 0.10F).turned_x(52).turned_y(75).at(0.01F, 0.16F, 0), green);
  kit.add(leaf(0.30F, 0.14F, 0.03F, 0.10F).turned_x(50).turned_y(-100).at(0, 0.30F, 0),
          green.shaded(0.9F));
  // The head lies in the xz plane while it is put together and is tilted forward as a whole.
  const float tilt = kit.between(58, 68);
  const int count = kit.pick(12, 14);
  const float length = kit.vary(0.30F, 0.08F);
  const auto head = [&](const Solid& solid) { return solid.turned_x(tilt).at(0, y, 0); };
  const auto tinted = petals.patterned([y](const vec3& p, const vec3&, const vec3& c) {
    return c * (0.72F + 0.28F * std::min(1.0F, glm::distance(p, vec3(0, y, 0)) / 0.26F));
  });
  const Solid petal = leaf(length, 0.15F, 0.03F, 0.05F).turned_x(80).at(0, 0, 0.10F);
  kit.add(head(petal.around_y(count)), tinted);
  const Solid under =
      petal.scaled(0.92F).turned_y(180.0F / static_cast<float>(count)).at(0, -0.03F, 0);
  kit.add(head(under.around_y(count)), tinted.shaded(0.88F));
  const auto seeds = heart.patterned([](const vec3& p, const vec3&, const vec3& c) {
    return c * (0.8F + 0.5F * cell_noise(p * 32.0F));
  });
  kit.add(head(ellipsoid(0.15F, 0.06F, 0.15F).at(0, 0.02F, 0)), seeds);
  kit.add(head(cone(0.03F, 0.12F, 0.07F).at(0, -0.09F, 0)), green);
}

void build_mushroom(Kit& kit) {
  const Paint cap = kit.main(0xCB2A20, Finish::ceramic);
  const vec3 spots = kit.accent(0xF8F3E8, Finish::matte).colour;
  const float r = kit.vary(0.46F, 0.08F), y = kit.vary(0.50F, 0.08F), tall = kit.vary(0.36F, 0.1F);
  const Paint stem = Kit::fixed(0xF1E8D6, Finish::matte);
  kit.add(revolve(smooth({{0, 0},
                          {0.19F, 0},
                          {0.20F, 0.05F},
                          {0.13F, 0.25F},
                          {0.12F, y + 0.05F},
                          {0, y + 0.06F}})),
          stem);
  kit.add(revolve({{0.12F, 0.78F * y}, {0.22F, 0.70F * y}, {0.22F, 0.73F * y}, {0.12F, 0.84F * y}},
                  0.008F),
          stem);
  std::vector<vec2> outline =
      smooth({{0, y + 0.05F}, {0.8F * r, y - 0.01F}, {0.97F * r, y + 0.01F}});
  const std::vector<vec2> cap_arc = arc({0, y + 0.03F}, {r, tall}, 0, 90, 24);
  outline.insert(outline.end(), cap_arc.begin(), cap_arc.end());
  const Solid dome = revolve(outline, 0.01F);
  const float shift = kit.between(0, 6.28F);
  kit.add(dome, cap.patterned([=](const vec3& p, const vec3& n, const vec3& c) {
    if (n.y < -0.25F) {  // gills
      return vec3(0.93F, 0.88F, 0.80F) * (0.88F + 0.10F * std::sin(60 * std::atan2(p.x, p.z)));
    }
    // Spots: rows of discs at three heights, staggered.
    constexpr float kRows[][3] = {{0.16F, 9, 0.060F}, {0.52F, 7, 0.068F}, {0.82F, 4, 0.060F}};
    const float up = (p.y - y) / tall;
    for (const auto& [height, number, size] : kRows) {
      const float turn = std::atan2(p.x, p.z) + shift + 2.1F * height;
      const float pitch = 6.2831853F / number;
      const float across =
          (turn - pitch * std::round(turn / pitch)) * std::sqrt(p.x * p.x + p.z * p.z);
      const float along = (up - height) * tall * (height < 0.3F ? 1.0F : 1.5F);
      if (across * across + along * along < size * size) {
        return spots;
      }
    }
    return c;
  }));
}

constexpr ObjectKind kKinds[] = {
    {"tree", 5.0F, build_tree},           {"pine tree", 6.0F, build_pine_tree},
    {"palm tree", 6.0F, build_palm_tree}, {"cactus", 0.5F, build_cactus},
    {"flower", 0.4F, build_flower},       {"mushroom", 0.15F, build_mushroom},
};

}  // namespace

std::span<const ObjectKind> nature_objects() { return kKinds; }

}  // namespace lode::sketch
