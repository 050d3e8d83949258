// Mugs, bowls, bottles and pots.
#include <cmath>

#include "sketch/objects.h"
#include "sketch/shapes.h"

namespace lode::sketch {
namespace {

using glm::vec2;
using glm::vec3;

void build_mug(Kit& kit) {
  const float r = kit.vary(0.36F, 0.08F), h = kit.vary(0.82F, 0.08F), foot = kit.vary(0.92F, 0.08F);
  Paint body = kit.main(0x3B7FC4, Finish::ceramic);
  const Paint lining = kit.accent(0xF6F1E6, Finish::ceramic);
  const Solid cup =
      vessel({{0, 0}, {foot * r, 0}, {foot * r + 0.02F, 0.03F}, {r, 0.35F * h}, {r, h}}, 0.05F);
  const bool is_lined = body.finish == Finish::ceramic || body.finish == Finish::plastic;
  kit.add(cup, is_lined ? body.patterned(inside(0.1F, lining.colour)) : body);
  const float reach = kit.vary(0.34F, 0.12F), top = 0.80F * h, low = 0.20F * h;
  const Solid handle = tube(bezier({r - 0.03F, top, 0}, {r + reach, top + 0.06F, 0},
                                   {r + reach, low - 0.06F, 0}, {r - 0.03F, low, 0}),
                            0.05F);
  kit.add(handle.stretched(1, 1, 1.3F).turned_y(-20), body);
}

void build_bowl(Kit& kit) {
  const float r = kit.vary(0.55F, 0.06F), h = kit.vary(0.40F, 0.12F);
  Paint body = kit.main(0xD9683C, Finish::ceramic);
  const Paint lining = kit.accent(0xF7EEDD, Finish::ceramic);
  const Solid cup = vessel(smooth({{0, 0.03F},
                                   {0.22F, 0.0F},
                                   {0.24F, 0.04F},
                                   {0.72F * r, 0.30F * h},
                                   {0.94F * r, 0.65F * h},
                                   {r, h}}),
                           0.04F);
  const bool is_lined = body.finish == Finish::ceramic || body.finish == Finish::plastic;
  kit.add(cup, is_lined ? body.patterned(inside(0.06F, lining.colour)) : body);
  kit.add(torus(0.22F, 0.035F).at(0, 0.02F, 0), body.shaded(0.85F));
}

void build_plate(Kit& kit) {
  const float r = kit.vary(0.62F, 0.05F), rim = kit.vary(0.10F, 0.15F);
  const Paint body = kit.main(0xF3F1EA, Finish::ceramic);
  const vec3 stripe = kit.accent(0x2C5FB0, Finish::ceramic).colour;
  const Solid dish = vessel(
      smooth({{0, 0}, {0.55F * r, 0}, {0.66F * r, 0.04F}, {0.84F * r, 0.8F * rim}, {r, rim}}),
      0.035F);
  kit.add(dish, body.patterned([r, stripe](const vec3& p, const vec3&, const vec3& colour) {
    const float from_axis = std::sqrt(p.x * p.x + p.z * p.z) / r;
    const bool is_stripe =
        (from_axis > 0.90F && from_axis < 0.97F) || (from_axis > 0.66F && from_axis < 0.69F);
    return is_stripe ? stripe : colour;
  }));
}

void build_bottle(Kit& kit) {
  const float r = kit.vary(0.19F, 0.1F), shoulder = kit.vary(0.60F, 0.06F);
  const Paint body = kit.main(0x2F7D46, Finish::glass);
  kit.add(revolve({{0, 0},
                   {r - 0.02F, 0},
                   {r, 0.03F},
                   {r, shoulder},
                   {0.86F * r, shoulder + 0.07F},
                   {0.42F * r, shoulder + 0.16F},
                   {0.34F * r, shoulder + 0.20F},
                   {0.32F * r, 1.0F},
                   {0.40F * r, 1.0F},
                   {0.40F * r, 1.05F},
                   {0, 1.05F}},
                  0.006F),
          body);
  kit.add(cylinder(0.30F * r, 0.06F).at(0, 1.06F, 0), Kit::fixed(0xB98A56, Finish::wood));
  const float low = 0.16F, high = shoulder - 0.10F;
  const vec3 frame = kit.accent(0x8C2A2A, Finish::matte).colour;
  kit.add(
      cylinder(r + 0.014F, 0.5F * (high - low), 0.004F).at(0, 0.5F * (low + high), 0),
      Kit::fixed(0xF2EAD6, Finish::matte).patterned([=](const vec3& p, const vec3&, const vec3& c) {
        const float up = (p.y - low) / (high - low);
        const bool is_line = up < 0.10F || up > 0.90F || (up > 0.45F && up < 0.55F && p.z > 0);
        return is_line ? frame : c;
      }));
}

void build_vase(Kit& kit) {
  const float belly = kit.vary(0.33F, 0.12F), neck = kit.vary(0.13F, 0.12F);
  const float waist = kit.vary(0.46F, 0.1F);
  const Paint body = kit.main(0x2B5FA8, Finish::ceramic);
  const Solid urn = vessel(smooth({{0, 0},
                                   {0.15F, 0},
                                   {0.17F, 0.03F},
                                   {0.82F * belly, 0.25F},
                                   {belly, waist},
                                   {0.75F * belly, 0.70F},
                                   {neck, 0.86F},
                                   {neck + 0.01F, 0.93F},
                                   {neck + 0.07F, 1.0F}}),
                           0.03F);
  const vec3 other = kit.accent(0xF2E7C9, Finish::ceramic).colour;
  const int waves = kit.pick(7, 11);
  kit.add(urn, body.patterned([=](const vec3& p, const vec3&, const vec3& colour) {
    const float wave = 0.028F * std::sin(static_cast<float>(waves) * std::atan2(p.x, p.z));
    const bool is_band = std::abs(p.y - waist - wave) < 0.022F ||
                         std::abs(p.y - waist - 0.10F) < 0.012F ||
                         std::abs(p.y - waist + 0.10F) < 0.012F || p.y > 0.965F || p.y < 0.03F;
    return is_band ? other : colour;
  }));
}

void build_teapot(Kit& kit) {
  const float r = kit.vary(0.42F, 0.06F), h = kit.vary(0.34F, 0.08F);
  const Paint body = kit.main(0xC9453B, Finish::ceramic);
  const Paint trim = kit.accent(0xF4E7CC, Finish::ceramic);
  const float mid = h + 0.04F;
  kit.add(ellipsoid(r, h, r).at(0, mid, 0), body);
  kit.add(cylinder(0.55F * r, 0.04F, 0.02F).at(0, 0.04F, 0), body.shaded(0.85F));
  const float lid = mid + 0.86F * h;
  kit.add(ellipsoid(0.56F * r, 0.12F, 0.56F * r).at(0, lid + 0.02F, 0), body);
  kit.add(torus(0.56F * r, 0.022F).at(0, lid + 0.02F, 0), trim);
  kit.add(sphere(0.065F).at(0, lid + 0.18F, 0), trim);
  const Solid spout = tube(bezier({0.75F * r, mid - 0.10F, 0}, {1.35F * r, mid - 0.12F, 0},
                                  {1.25F * r, mid + 0.20F, 0}, {1.72F * r, mid + 0.30F, 0}),
                           0.115F, 0.05F);
  kit.add(spout, body);
  kit.add(torus(0.05F, 0.018F).turned_z(-45).at(1.72F * r, mid + 0.31F, 0), trim);
  const Solid handle = tube(bezier({-0.85F * r, mid + 0.20F, 0}, {-1.75F * r, mid + 0.34F, 0},
                                   {-1.75F * r, mid - 0.26F, 0}, {-0.88F * r, mid - 0.14F, 0}),
                            0.05F);
  kit.add(handle, body);
}

void build_goblet(Kit& kit) {
  const float cup = kit.vary(0.24F, 0.1F), foot = kit.vary(0.24F, 0.1F),
              stem = kit.vary(0.42F, 0.08F);
  const Paint body = kit.main(0xE2AE3A, Finish::metal);
  kit.add(revolve(smooth({{0, 0},
                          {foot, 0},
                          {foot, 0.025F},
                          {0.4F * foot, 0.07F},
                          {0.04F, 0.14F},
                          {0.035F, stem - 0.06F},
                          {0.09F, stem},
                          {0, stem + 0.02F}})),
          body);
  kit.add(ellipsoid(0.07F, 0.05F, 0.07F).at(0, 0.55F * stem, 0), body);
  kit.add(vessel(smooth({{0, stem},
                         {0.10F, stem + 0.01F},
                         {0.85F * cup, stem + 0.14F},
                         {cup, stem + 0.30F},
                         {0.94F * cup, 1.0F}}),
                 0.028F),
          body);
  const Paint gem = kit.accent(0xB3202C, Finish::ceramic);
  kit.add(sphere(0.045F).at(0, stem + 0.30F, cup).around_y(6), gem);
}

void build_pot(Kit& kit) {
  const float r = kit.vary(0.44F, 0.06F), h = kit.vary(0.50F, 0.12F);
  const Paint body = kit.main(0xB9BEC4, Finish::metal);
  const Paint grip = kit.accent(0x2A2A2D, Finish::plastic);
  kit.add(cylinder(r, 0.5F * h, 0.05F).at(0, 0.5F * h, 0), body);
  kit.add(torus(r, 0.02F).at(0, h, 0), body);
  kit.add(ellipsoid(r, 0.13F, r).at(0, h, 0), body.shaded(0.92F));
  kit.add(cylinder(0.025F, 0.05F).at(0, h + 0.15F, 0), grip);
  kit.add(ellipsoid(0.09F, 0.04F, 0.09F).at(0, h + 0.21F, 0), grip);
  const Solid handle = tube(bezier({r - 0.02F, 0.72F * h, -0.13F}, {r + 0.20F, 0.74F * h, -0.13F},
                                   {r + 0.20F, 0.74F * h, 0.13F}, {r - 0.02F, 0.72F * h, 0.13F}),
                            0.034F);
  kit.add(handle.mirrored_x(), grip);
}

constexpr ObjectKind kKinds[] = {
    {"mug", 0.12F, build_mug},       {"bowl", 0.20F, build_bowl}, {"plate", 0.26F, build_plate},
    {"bottle", 0.32F, build_bottle}, {"vase", 0.35F, build_vase}, {"teapot", 0.26F, build_teapot},
    {"goblet", 0.20F, build_goblet}, {"pot", 0.35F, build_pot},
};

}  // namespace

std::span<const ObjectKind> kitchen_objects() { return kKinds; }

}  // namespace lode::sketch
