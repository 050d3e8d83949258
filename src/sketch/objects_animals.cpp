// Animals, in the manner of toys.
#include <cmath>

#include "sketch/objects.h"
#include "sketch/shapes.h"

namespace lode::sketch {
namespace {

using glm::vec2;
using glm::vec3;

void build_fish(Kit& kit) {
  const float l = kit.vary(0.50F, 0.05F), h = kit.vary(0.27F, 0.08F), y = 0.42F;
  const Paint skin = kit.main(0xF28A1E, Finish::ceramic);
  const Paint fin = kit.accent(0xF9C24A, Finish::plastic);
  const vec3 belly = mix(skin.colour, vec3(1), 0.55F);
  // Swims towards +X, so that the side shows.
  kit.add(
      blend({ellipsoid(l, h, 0.17F), ellipsoid(0.24F, 0.13F, 0.075F).at(-0.78F * l, 0, 0)}, 0.10F)
          .at(0, y, 0),
      skin.patterned([=](const vec3& p, const vec3&, const vec3& c) {
        const float x = p.x / l, up = (p.y - y) / h;
        const bool is_band = std::abs(x - 0.38F) < 0.05F || std::abs(x + 0.18F) < 0.06F ||
                             std::abs(x + 0.72F) < 0.05F;
        const float scale =
            std::sin(34 * p.x + 3.14F * std::floor(p.y * 18)) * std::sin(56.5F * p.y);
        const vec3 body = mix(belly, c, std::clamp(1.4F + 2.2F * up, 0.0F, 1.0F));
        return is_band ? rgb(0xFBF7EC) : body * (x < 0.3F ? 1.0F + 0.06F * scale : 1.0F);
      }));
  const auto rays = [](const vec3& p, const vec3&, const vec3& c) {
    return c * (0.94F + 0.10F * std::sin(60 * (p.y - 0.4F * p.x)));
  };
  const Paint rayed = fin.patterned(rays);
  kit.add(extrude(smooth({{-0.90F * l, 0.02F},
                          {-1.30F * l, 0.25F},
                          {-1.52F * l, 0.27F},
                          {-1.34F * l, 0.02F},
                          {-1.52F * l, -0.24F},
                          {-1.30F * l, -0.22F},
                          {-0.90F * l, -0.04F}},
                         5),
                  0.022F, 0.010F)
              .at(0, y, 0),
          rayed);
  kit.add(extrude(smooth({{0.36F * l, 0.78F * h},
                          {0.12F * l, h + 0.16F},
                          {-0.28F * l, h + 0.15F},
                          {-0.60F * l, 0.66F * h}},
                         5),
                  0.020F, 0.010F)
              .at(0, y, 0),
          rayed);
  kit.add(extrude(smooth({{0.02F * l, -0.90F * h},
                          {-0.20F * l, -h - 0.13F},
                          {-0.42F * l, -h - 0.10F},
                          {-0.45F * l, -0.72F * h}},
                         5),
                  0.018F, 0.010F)
              .at(0, y, 0),
          rayed);
  const Solid side_fin =
      leaf(0.20F, 0.13F, 0.03F).turned_z(118).turned_y(28).at(0.16F * l, y - 0.06F, 0.16F);
  kit.add(side_fin.mirrored_z(), rayed);
  add_eye(kit, {0.66F * l, y + 0.06F, 0.105F}, {0.35F, 0.1F, 1}, 0.058F);
  add_eye(kit, {0.66F * l, y + 0.06F, -0.105F}, {0.35F, 0.1F, -1}, 0.058F);
  kit.add(torus(0.038F, 0.018F).turned_z(90).at(0.985F * l, y - 0.03F, 0), skin.shaded(0.8F));
}

void build_cat(Kit& kit) {
  const Paint fur = kit.main(0xD98C45, Finish::fur);
  const vec3 light = kit.accent(0xF8EEDD, Finish::fur).colour;
  const Paint white = Kit::fixed(0xF8EEDD, Finish::fur);
  const Paint pink = Kit::fixed(0xE8919A, Finish::matte),
              dark = Kit::fixed(0x1C1A1C, Finish::ceramic);
  const float head = kit.vary(0.215F, 0.05F), y = 0.80F, z = 0.10F;
  // Sitting upright: pear-shaped body, forelegs down the front, haunches at the sides.
  const auto striped = fur.patterned([=](const vec3& p, const vec3& n, const vec3& c) {
    const bool is_chest =
        p.z > 0.10F && std::abs(p.x) < 0.10F && p.y < 0.60F && p.y > 0.22F && n.z > 0.35F;
    const bool is_stripe = std::sin(34 * p.y + 5 * std::abs(p.x)) > 0.55F && p.z < 0.08F;
    return is_chest ? light : is_stripe ? c * 0.72F : c;
  });
  const Solid trunk = blend({ellipsoid(0.23F, 0.25F, 0.25F).at(0, 0.24F, -0.05F),
                             ellipsoid(0.165F, 0.24F, 0.165F).at(0, 0.46F, 0.03F),
                             ellipsoid(0.12F, 0.16F, 0.20F).at(0.16F, 0.17F, 0.04F).mirrored_x()},
                            0.10F);
  kit.add(trunk, striped);
  kit.add(capsule({0.075F, 0.44F, 0.13F}, {0.085F, 0.06F, 0.21F}, 0.07F, 0.055F).mirrored_x(), fur);
  kit.add(ellipsoid(0.068F, 0.045F, 0.085F).at(0.085F, 0.045F, 0.245F).mirrored_x(), white);
  kit.add(ellipsoid(0.068F, 0.045F, 0.10F).at(0.205F, 0.045F, 0.20F).mirrored_x(), white);
  const Solid skull =
      blend({ellipsoid(1.08F * head, 0.92F * head, 0.92F * head),
             ellipsoid(0.55F * head, 0.40F * head, 0.5F * head).at(0, -0.35F * head, 0.58F * head)},
            0.06F);
  kit.add(skull.at(0, y, z), fur.patterned([=](const vec3& p, const vec3& n, const vec3& c) {
    const bool is_muzzle =
        p.z > z + 0.55F * head && p.y < y - 0.12F * head && std::abs(p.x) < 0.6F * head;
    const bool is_stripe = p.y > y + 0.45F * head && std::sin(52 * p.x) > 0.35F && n.z > -0.3F;
    return is_muzzle ? light : is_stripe ? c * 0.72F : c;
  }));
  const Solid ear = cone(0.50F * head, 0.02F, 0.75F * head, 0.01F)
                        .stretched(1, 1, 0.55F)
                        .turned_z(-20)
                        .at(0.62F * head, y + 0.56F * head, z - 0.02F);
  kit.add(ear.mirrored_x(), fur);
  const Solid inner = cone(0.30F * head, 0.01F, 0.50F * head, 0.008F)
                          .stretched(1, 1, 0.35F)
                          .turned_z(-20)
                          .at(0.62F * head, y + 0.64F * head, z + 0.026F);
  kit.add(inner.mirrored_x(), pink);
  for (const float side : {-1.0F, 1.0F}) {
    const vec3 at(side * 0.43F * head, y + 0.12F * head, z + 0.78F * head);
    kit.add(ellipsoid(0.24F * head, 0.26F * head, 0.13F * head).at(at),
            Kit::fixed(0x8CC63F, Finish::ceramic));
    kit.add(ellipsoid(0.10F * head, 0.22F * head, 0.08F * head).at(at + vec3(0, 0, 0.085F * head)),
            dark);
    kit.add(sphere(0.045F * head).at(at + vec3(0.08F * head, 0.10F * head, 0.13F * head)),
            Kit::fixed(0xFFFFFF, Finish::glow));
  }
  kit.add(
      ellipsoid(0.12F * head, 0.08F * head, 0.08F * head).at(0, y - 0.20F * head, z + 1.07F * head),
      pink);
  kit.add(capsule({0, 0, 0}, {0.34F * head, 0.03F * head, -0.12F * head}, 0.006F, 0.005F)
              .scaled(1.0F)
              .at(0.16F * head, y - 0.33F * head, z + 1.02F * head)
              .mirrored_x(),
          dark);
  const Solid whisker = unite({capsule({0, 0, 0}, {0.20F, 0.02F, -0.03F}, 0.005F, 0.003F),
                               capsule({0, -0.02F, 0}, {0.20F, -0.04F, -0.03F}, 0.005F, 0.003F)});
  kit.add(whisker.at(0.42F * head, y - 0.30F * head, z + 0.85F * head).mirrored_x(),
          Kit::fixed(0xFDFBF5, Finish::matte));
  kit.add(tube(bezier({0.10F, 0.08F, -0.24F}, {0.55F, 0.02F, -0.30F}, {0.50F, 0.10F, 0.10F},
                      {0.36F, 0.12F, 0.16F}),
               0.055F, 0.042F),
          striped);
}

void build_duck(Kit& kit) {
  const Paint skin = kit.main(0xF7D02C, Finish::plastic);
  const Paint bill = kit.accent(0xF07A1B, Finish::plastic);
  const float head = kit.vary(0.235F, 0.05F), y = 0.60F + head, z = 0.22F;
  const Solid body = blend({ellipsoid(0.32F, 0.25F, 0.44F).at(0, 0.27F, 0),
                            capsule({0, 0.34F, -0.30F}, {0, 0.52F, -0.50F}, 0.13F, 0.04F),
                            ellipsoid(0.17F, 0.20F, 0.17F).at(0, 0.50F, 0.20F)},
                           0.14F);
  kit.add(common(body, box(2, 1, 2, 0).at(0, 1.03F, 0), 0.03F), skin);
  kit.add(sphere(head).at(0, y, z), skin);
  const Solid wing = blend({ellipsoid(0.075F, 0.14F, 0.24F).turned_x(-14),
                            ellipsoid(0.04F, 0.07F, 0.12F).at(0, 0.09F, -0.18F)},
                           0.05F);
  kit.add(wing.at(0.31F, 0.33F, -0.05F).mirrored_x(), skin.shaded(0.95F));
  const Solid beak = blend({ellipsoid(0.115F, 0.036F, 0.13F).turned_x(-10).at(0, 0.018F, 0.05F),
                            ellipsoid(0.095F, 0.028F, 0.10F).turned_x(12).at(0, -0.026F, 0.03F)},
                           0.012F);
  kit.add(beak.at(0, y - 0.04F, z + head), bill);
  add_eye(kit, {0.105F, y + 0.07F, z + 0.79F * head}, {0.5F, 0.15F, 1}, 0.044F);
  add_eye(kit, {-0.105F, y + 0.07F, z + 0.79F * head}, {-0.5F, 0.15F, 1}, 0.044F);
  kit.add(tube(bezier({0, y + head - 0.01F, z - 0.02F}, {0, y + head + 0.06F, z - 0.03F},
                      {0, y + head + 0.09F, z - 0.09F}, {0, y + head + 0.05F, z - 0.13F}),
               0.03F, 0.012F),
          skin);
}

void build_penguin(Kit& kit) {
  const Paint coat = kit.main(0x23262E, Finish::fur);
  const vec3 white = kit.accent(0xF7F6F1, Finish::fur).colour;
  const Paint orange = Kit::fixed(0xF2921D, Finish::plastic);
  const float w = kit.vary(0.29F, 0.06F), h = kit.vary(0.46F, 0.04F), head = 0.21F,
              y = 2 * h - 0.02F;
  const Solid body =
      blend({ellipsoid(w, h, 0.27F).at(0, h + 0.02F, 0), sphere(head).at(0, y, 0.02F)}, 0.10F);
  kit.add(body, coat.patterned([=](const vec3& p, const vec3&, const vec3& c) {
    const float bx = p.x / (0.78F * w), by = (p.y - 0.88F * h) / (0.84F * h);
    const bool is_belly = p.z > 0 && bx * bx + by * by < 1;
    const float fx = (std::abs(p.x) - 0.075F) / 0.105F, fy = (p.y - y - 0.01F) / 0.115F;
    const bool is_face = p.z > 0.05F && fx * fx + fy * fy < 1;
    return is_belly || is_face ? white : c;
  }));
  add_eye(kit, {0.075F, y + 0.035F, 0.195F}, {0.2F, 0.05F, 1}, 0.036F);
  add_eye(kit, {-0.075F, y + 0.035F, 0.195F}, {-0.2F, 0.05F, 1}, 0.036F);
  kit.add(
      capsule({0, y - 0.035F, 0.19F}, {0, y - 0.055F, 0.34F}, 0.05F, 0.012F).stretched(1.1F, 1, 1),
      orange);
  const Solid flipper =
      ellipsoid(0.045F, 0.27F, 0.11F).turned_z(kit.between(17, 24)).at(w + 0.055F, h + 0.10F, 0);
  kit.add(flipper.mirrored_x(), coat);
  const Solid foot = blend({ellipsoid(0.09F, 0.035F, 0.12F),
                            capsule({0, 0, 0.03F}, {0.075F, 0, 0.14F}, 0.03F, 0.022F).mirrored_x(),
                            capsule({0, 0, 0.03F}, {0, 0, 0.16F}, 0.03F, 0.022F)},
                           0.03F);
  kit.add(foot.at(0.13F, 0.032F, 0.15F).mirrored_x(), orange);
  kit.add(capsule({0, 0.10F, -0.22F}, {0, 0.03F, -0.36F}, 0.08F, 0.03F), coat);
  kit.add(torus(0.205F, 0.05F).at(0, y - 0.175F, 0.015F), Kit::fixed(0xC9302C, Finish::fabric));
  kit.add(box(0.05F, 0.13F, 0.02F, 0.018F).turned_x(-6).turned_z(6).at(0.10F, y - 0.32F, 0.265F),
          Kit::fixed(0xB52A28, Finish::fabric));
}

constexpr ObjectKind kKinds[] = {
    {"fish", 0.25F, build_fish},
    {"cat", 0.5F, build_cat},
    {"duck", 0.3F, build_duck},
    {"penguin", 0.9F, build_penguin},
};

}  // namespace

std::span<const ObjectKind> animal_objects() { return kKinds; }

}  // namespace lode::sketch
