// Cars, boats, rockets and whatever flies.
#include <cmath>
#include <glm/trigonometric.hpp>

#include "sketch/objects.h"
#include "sketch/shapes.h"

namespace lode::sketch {
namespace {

using glm::vec2;
using glm::vec3;

Paint window_glass() { return Kit::fixed(0x2E3E4E, Finish::ceramic); }
Paint headlight() { return Kit::fixed(0xFFF4CF, Finish::glow); }
Paint tail_light() { return Kit::fixed(0xC81E1E, Finish::ceramic); }
Paint chrome() { return Kit::fixed(0xC9CDD2, Finish::metal); }

/// A side view pulled across the car: drawn with the nose towards +x, turned so that it drives
/// towards +Z, edges rounded.
Solid body_from_side(const std::vector<vec2>& side, float half_width, float round) {
  return extrude(side, half_width, round).turned_y(-90);
}

void build_car(Kit& kit) {
  const float l = kit.vary(0.75F, 0.04F), w = kit.vary(0.30F, 0.05F), roof = kit.vary(0.47F, 0.05F);
  const Paint paint = kit.main(0xC9262B, Finish::ceramic);
  const float wheel = 0.125F, axle = 0.125F, front = 0.60F * l, rear = -0.58F * l;
  const Solid lower = body_from_side(smooth({{-l + 0.04F, 0.12F},
                                             {-l + 0.03F, 0.25F},
                                             {-l + 0.08F, 0.29F},
                                             {-0.3F * l, 0.31F},
                                             {0.45F * l, 0.29F},
                                             {l - 0.08F, 0.24F},
                                             {l - 0.03F, 0.17F},
                                             {l - 0.05F, 0.12F},
                                             {0, 0.11F},
                                             {-l + 0.04F, 0.12F}},
                                            4),
                                     w, 0.04F);
  const Solid arch = cylinder(wheel + 0.03F, 0.2F, 0).turned_z(90);
  const Solid arches = unite({arch.at(w, axle, front), arch.at(-w, axle, front),
                              arch.at(w, axle, rear), arch.at(-w, axle, rear)});
  kit.add(cut(lower, arches, 0.01F), paint);
  const Solid cabin = body_from_side(smooth({{-0.62F * l, 0.29F},
                                             {-0.48F * l, roof - 0.03F},
                                             {-0.22F * l, roof},
                                             {0.06F * l, roof - 0.01F},
                                             {0.42F * l, 0.28F},
                                             {-0.62F * l, 0.29F}},
                                            4),
                                     w - 0.045F, 0.03F);
  // Glass and sheet metal share one shape: pillars, roof and sills are painted, the rest is pane.
  kit.add(cabin, paint.patterned([=](const vec3& p, const vec3& n, const vec3& c) {
    const vec3 pane(0.15F, 0.20F, 0.25F);
    if (p.y < 0.325F || p.y > roof - 0.025F || n.y > 0.9F) {
      return c;
    }
    if (std::abs(n.x) > 0.7F) {  // side panes between pillars
      const float z = p.z / l;
      const float slant = (p.y - 0.3F) / (roof - 0.3F);
      const bool is_pillar = std::abs(z + 0.12F) < 0.025F || z > 0.40F - 0.33F * slant - 0.035F ||
                             z < -0.58F + 0.13F * slant + 0.045F;
      return is_pillar ? c : pane;
    }
    return std::abs(p.x) < w - 0.05F ? pane : c;
  }));
  for (const float z : {front, rear}) {
    for (const float x : {w - 0.035F, -w + 0.035F}) {
      add_wheel(kit, {x, axle, z}, wheel, 0.10F, chrome());
    }
  }
  const float nose = l + 0.005F;
  kit.add(ellipsoid(0.055F, 0.035F, 0.03F).at(w - 0.09F, 0.225F, nose - 0.045F).mirrored_x(),
          headlight());
  kit.add(box(0.11F, 0.022F, 0.02F, 0.01F).at(0, 0.185F, nose - 0.01F),
          Kit::fixed(0x202226, Finish::matte));
  kit.add(box(w - 0.01F, 0.022F, 0.03F, 0.02F).at(0, 0.125F, nose - 0.02F), chrome());
  kit.add(box(w - 0.01F, 0.022F, 0.03F, 0.02F).at(0, 0.145F, -nose + 0.02F), chrome());
  kit.add(box(0.06F, 0.025F, 0.02F, 0.012F).at(w - 0.08F, 0.245F, -nose + 0.012F).mirrored_x(),
          tail_light());
  kit.add(ellipsoid(0.035F, 0.024F, 0.02F).at(w + 0.01F, 0.33F, 0.30F * l).mirrored_x(), paint);
  kit.add(box(0.008F, 0.008F, 0.035F, 0.004F).at(w + 0.005F, 0.265F, -0.2F * l).mirrored_x(),
          chrome());
  if (kit.has_accent()) {
    kit.add(box(0.05F, 0.006F, 0.22F, 0.004F).at(0, 0.315F, 0.62F * l).turned_x(4),
            kit.accent(0, Finish::ceramic));
    kit.add(box(0.05F, 0.006F, 0.12F * l, 0.004F).at(0, roof + 0.032F, -0.16F * l),
            kit.accent(0, Finish::ceramic));
  }
}

void build_truck(Kit& kit) {
  const float l = kit.vary(0.78F, 0.04F), w = kit.vary(0.28F, 0.05F),
              cargo = kit.vary(0.30F, 0.08F);
  const Paint paint = kit.main(0x2F6FB5, Finish::ceramic);
  const Paint load = kit.accent(0xF0EEE8, Finish::plastic);
  const Paint dark = Kit::fixed(0x2B2D30, Finish::matte);
  kit.add(box(0.8F * w, 0.035F, l - 0.02F).at(0, 0.16F, 0), dark);
  const float cab = l - 0.36F;
  kit.add(
      body_from_side(
          {{cab, 0.15F}, {l - 0.03F, 0.15F}, {l - 0.03F, 0.36F}, {l - 0.12F, 0.58F}, {cab, 0.58F}},
          w, 0.03F),
      paint);
  kit.add(
      box(w + 0.01F, cargo, 0.5F * (l + cab) - 0.03F, 0.02F).at(0, 0.21F + cargo, 0.5F * (cab - l)),
      load.patterned([](const vec3& p, const vec3& n, const vec3& c) {
        const float rib = p.z * 9.0F - std::floor(p.z * 9.0F);
        return std::abs(n.x) > 0.8F && rib < 0.10F ? c * 0.84F : c;
      }));
  kit.add(box(w + 0.004F, 0.085F, 0.10F, 0.02F).at(0, 0.46F, cab + 0.15F), window_glass());
  kit.add(box(w - 0.04F, 0.085F, 0.02F, 0.01F).turned_x(-22).at(0, 0.475F, l - 0.055F),
          window_glass());
  for (const float z : {l - 0.17F, -l + 0.42F, -l + 0.16F}) {
    for (const float x : {w - 0.03F, -w + 0.03F}) {
      add_wheel(kit, {x, 0.125F, z}, 0.125F, 0.11F, chrome());
    }
  }
  kit.add(cylinder(0.04F, 0.02F).turned_x(90).at(w - 0.06F, 0.25F, l - 0.01F).mirrored_x(),
          headlight());
  kit.add(box(w + 0.01F, 0.03F, 0.03F, 0.015F).at(0, 0.16F, l - 0.01F), chrome());
  kit.add(box(0.13F, 0.04F, 0.012F, 0.005F).at(0, 0.27F, l + 0.002F), dark);
  kit.add(box(0.012F, 0.05F, 0.03F).at(w + 0.06F, 0.44F, l - 0.08F).mirrored_x(), dark);
  kit.add(box(0.035F, 0.025F, 0.01F).at(w - 0.06F, 0.21F, -l - 0.002F).mirrored_x(), tail_light());
}

void build_bus(Kit& kit) {
  const float l = kit.vary(0.80F, 0.04F), w = kit.vary(0.26F, 0.05F), h = kit.vary(0.62F, 0.05F);
  const Paint paint = kit.main(0xF2B31B, Finish::ceramic);
  const vec3 stripe = kit.accent(0x26262A, Finish::plastic).colour;
  const vec3 pane(0.17F, 0.22F, 0.28F);
  kit.add(box(w, 0.5F * h - 0.05F, l, 0.05F).at(0, 0.5F * h + 0.05F, 0),
          paint.patterned([=](const vec3& p, const vec3& n, const vec3& c) {
            const bool is_window_row = p.y > 0.58F * h && p.y < 0.86F * h;
            if (std::abs(n.x) > 0.8F) {
              const float along = (p.z / l + 0.9F) * 4.0F, in_window = along - std::floor(along);
              if (is_window_row && std::abs(p.z) < 0.88F * l && in_window > 0.10F) {
                return pane;
              }
              return std::abs(p.y - 0.45F * h) < 0.016F || std::abs(p.y - 0.36F * h) < 0.009F
                         ? stripe
                         : c;
            }
            if (std::abs(n.z) > 0.8F && std::abs(p.x) < w - 0.04F && p.y > 0.52F * h &&
                p.y < 0.86F * h) {
              return std::abs(p.x) < 0.008F ? c : pane;
            }
            return c;
          }));
  for (const float z : {0.62F * l, -0.58F * l}) {
    for (const float x : {w - 0.03F, -w + 0.03F}) {
      add_wheel(kit, {x, 0.115F, z}, 0.115F, 0.09F, chrome());
    }
  }
  kit.add(cylinder(0.038F, 0.015F).turned_x(90).at(w - 0.07F, 0.22F, l).mirrored_x(), headlight());
  kit.add(box(0.09F, 0.035F, 0.01F).at(0, 0.22F, l), Kit::fixed(0x2A2B2E, Finish::matte));
  kit.add(box(w - 0.01F, 0.025F, 0.025F, 0.015F).at(0, 0.13F, l),
          Kit::fixed(0x2A2B2E, Finish::matte));
  kit.add(box(0.035F, 0.03F, 0.012F).at(w - 0.07F, 0.24F, -l).mirrored_x(), tail_light());
  kit.add(box(0.012F, 0.045F, 0.025F).at(w + 0.05F, 0.68F * h, l - 0.04F).mirrored_x(),
          Kit::fixed(0x2A2B2E, Finish::matte));
}

void build_boat(Kit& kit) {
  const float l = kit.vary(0.62F, 0.05F), mast = kit.vary(1.15F, 0.05F);
  const Paint hull = kit.main(0x2C6BA8, Finish::ceramic);
  const Paint sail = kit.accent(0xF8F5EC, Finish::fabric);
  const Paint wood = Kit::fixed(0x9C6A3A, Finish::wood);
  // Cross-sections shrink to the bow: an ellipsoid cut by the deck, the bow drawn out by
  // stretching.
  const Solid round_hull = ellipsoid(0.24F, 0.26F, l);
  const Solid below_deck = box(1, 0.5F, 2, 0).at(0, -0.5F, 0);
  const Solid hollow = common(ellipsoid(0.20F, 0.16F, l - 0.06F), box(1, 1, 2, 0));
  kit.add(cut(common(round_hull, below_deck), hollow.at(0, 0.03F, 0)).at(0, 0.27F, 0),
          hull.patterned([=](const vec3& p, const vec3& n, const vec3& c) {
            const bool is_inside = n.y > 0.2F;
            return is_inside      ? rgb(0xC08A52)
                   : p.y > 0.215F ? rgb(0xF4F1E8)
                   : p.y < 0.09F  ? rgb(0x9E2B25)
                                  : c;
          }));
  kit.add(torus(1, 0.024F).stretched(0.232F, 1, l - 0.01F).at(0, 0.265F, 0), wood);
  kit.add(box(0.19F, 0.018F, 0.09F, 0.008F).at(0, 0.245F, -0.28F * l), wood);
  kit.add(capsule({0, 0.05F, 0.08F}, {0, mast, 0.08F}, 0.022F, 0.014F), wood);
  kit.add(capsule({0, 0.36F, 0.08F}, {0, 0.36F, -l + 0.06F}, 0.014F, 0.012F), wood);
  // Sails hang in the plane of the keel and belly out sideways.
  const auto bellied = [](const std::vector<vec2>& outline, float belly) {
    const Solid flat = extrude(outline, 0.010F, 0.004F).turned_y(-90);
    Box bounds = flat.bounds();
    bounds.max.x += belly;
    return Solid(
        [flat, belly](const vec3& p) {
          const float up = std::clamp((p.y - 0.36F) / 0.75F, 0.0F, 1.0F);
          return flat({p.x - belly * std::sin(3.14159F * up), p.y, p.z}) * 0.93F;
        },
        bounds);
  };
  kit.add(bellied({{0.055F, 0.40F}, {0.055F, mast - 0.04F}, {-l + 0.10F, 0.40F}}, 0.07F), sail);
  kit.add(bellied({{0.11F, 0.40F}, {0.11F, mast - 0.12F}, {l - 0.06F, 0.36F}}, 0.06F),
          sail.shaded(0.95F));
  kit.add(extrude({{0, 0}, {-0.16F, 0.045F}, {0, 0.09F}}, 0.006F)
              .turned_y(-90)
              .at(0, mast - 0.02F, 0.08F),
          Kit::fixed(0xC9302C, Finish::fabric));
}

void build_rocket(Kit& kit) {
  const float r = kit.vary(0.19F, 0.07F), h = kit.vary(0.98F, 0.05F);
  const Paint body = kit.main(0xF2F2F0, Finish::ceramic);
  const Paint trim = kit.accent(0xCC2E2B, Finish::ceramic);
  const float base = 0.22F;
  kit.add(revolve(smooth({{0, 0},
                          {0.66F * r, 0.0F},
                          {0.92F * r, 0.22F * h},
                          {r, 0.42F * h},
                          {0.88F * r, 0.66F * h},
                          {0.52F * r, 0.87F * h},
                          {0.0F, h}}))
              .at(0, base, 0),
          body.patterned([=](const vec3& p, const vec3&, const vec3& c) {
            const float up = (p.y - base) / h;
            return up > 0.72F || (up > 0.20F && up < 0.235F) ? trim.colour : c;
          }));
  const Solid fin = extrude(smooth({{0.6F * r, 0.34F},
                                    {r + 0.11F, 0.12F},
                                    {r + 0.17F, -0.18F},
                                    {r + 0.04F, -0.06F},
                                    {0.5F * r, 0.03F}},
                                   5),
                            0.022F, 0.008F);
  kit.add(fin.turned_y(45).around_y(3).turned_y(kit.between(-15, 15)).at(0, base, 0), trim);
  const float y = base + 0.57F * h, z = 0.93F * r;
  kit.add(torus(0.075F, 0.02F).turned_x(90).turned_x(-8).at(0, y, z),
          Kit::fixed(0xB9BEC5, Finish::metal));
  kit.add(ellipsoid(0.072F, 0.072F, 0.03F).turned_x(-8).at(0, y, z - 0.005F),
          Kit::fixed(0x5FB6E0, Finish::ceramic));
  kit.add(torus(0.05F, 0.014F).turned_x(90).at(0, y - 0.22F, r * 0.99F),
          Kit::fixed(0xB9BEC5, Finish::metal));
  kit.add(ellipsoid(0.048F, 0.048F, 0.02F).at(0, y - 0.22F, r * 0.985F),
          Kit::fixed(0x5FB6E0, Finish::ceramic));
  kit.add(cone(0.13F, 0.09F, 0.09F, 0.005F).at(0, base - 0.07F, 0),
          Kit::fixed(0x55595F, Finish::metal));
  kit.add(
      flame(0.26F).turned_x(180).at(0, base - 0.03F, 0),
      Kit::fixed(0xFF9A1F, Finish::glow).patterned([](const vec3& p, const vec3&, const vec3& c) {
        return mix(c, vec3(1, 0.93F, 0.45F), std::clamp((p.y - 0.05F) * 8, 0.0F, 1.0F));
      }));
}

void build_airplane(Kit& kit) {
  const float l = kit.vary(0.72F, 0.04F), span = kit.vary(0.72F, 0.05F);
  const Paint body = kit.main(0xF1F3F5, Finish::ceramic);
  const Paint trim = kit.accent(0x2C6BC0, Finish::ceramic);
  const float y = 0.30F;
  const Solid fuselage = blend({capsule({0, 0, l - 0.22F}, {0, 0, -0.25F * l}, 0.105F, 0.105F),
                                capsule({0, 0, -0.25F * l}, {0, 0.05F, -l}, 0.103F, 0.035F)},
                               0.03F);
  kit.add(fuselage.at(0, y, 0), body.patterned([=](const vec3& p, const vec3& n, const vec3& c) {
    const vec3 pane(0.18F, 0.23F, 0.30F);
    if (p.z > l - 0.22F && p.z < l - 0.14F && p.y > y + 0.035F && p.y < y + 0.085F && n.y < 0.93F) {
      return pane;
    }
    const float along = p.z * 15.0F - std::floor(p.z * 15.0F);
    if (std::abs(p.y - y - 0.028F) < 0.016F && p.z < l - 0.26F && p.z > -0.62F * l &&
        along > 0.45F) {
      return pane;
    }
    return std::abs(p.y - y + 0.02F) < 0.014F ? trim.colour : c;
  }));
  // A wing seen from above, swept back, thin.
  const auto wing = [](float length, float root, float tip, float sweep, float thick) {
    return extrude({{0, 0.5F * root},
                    {length, 0.5F * root - sweep},
                    {length, 0.5F * root - sweep - tip},
                    {0, -0.5F * root}},
                   thick, 0.010F)
        .turned_x(90);
  };
  kit.add(
      wing(span, 0.30F, 0.11F, 0.26F, 0.02F).turned_z(5).at(0.03F, y - 0.04F, 0.06F).mirrored_x(),
      body.shaded(0.95F));
  kit.add(wing(0.28F, 0.17F, 0.08F, 0.13F, 0.015F)
              .turned_z(5)
              .at(0, y + 0.05F, -l + 0.12F)
              .mirrored_x(),
          body.shaded(0.95F));
  kit.add(
      extrude({{-l + 0.24F, 0.06F}, {-l - 0.02F, 0.36F}, {-l - 0.12F, 0.36F}, {-l - 0.02F, 0.04F}},
              0.015F, 0.008F)
          .turned_y(-90)
          .at(0, y, 0),
      trim);
  const Solid engine = cut(capsule({0, 0, 0.10F}, {0, 0, -0.12F}, 0.058F, 0.042F),
                           sphere(0.05F).at(0, 0, 0.16F), 0.01F);
  kit.add(engine.at(0.34F, y - 0.095F, 0.10F).mirrored_x(), trim);
  kit.add(sphere(0.034F).at(0.34F, y - 0.095F, 0.115F).mirrored_x(),
          Kit::fixed(0x3A3D42, Finish::metal));
  const Paint dark = Kit::fixed(0x2A2B2E, Finish::matte);
  kit.add(unite({capsule({0, y - 0.08F, l - 0.30F}, {0, 0.05F, l - 0.30F}, 0.012F, 0.012F),
                 capsule({0.10F, y - 0.08F, -0.04F}, {0.11F, 0.05F, -0.04F}, 0.014F, 0.014F)
                     .mirrored_x()}),
          chrome());
  kit.add(unite({cylinder(0.045F, 0.02F).turned_z(90).at(0, 0.045F, l - 0.30F),
                 cylinder(0.05F, 0.025F).turned_z(90).at(0.11F, 0.05F, -0.04F).mirrored_x()}),
          dark);
}

void build_ufo(Kit& kit) {
  const float r = kit.vary(0.66F, 0.05F), dome = kit.vary(0.27F, 0.08F);
  const Paint hull = kit.main(0xAEB4BC, Finish::metal);
  const float y = 0.20F;
  kit.add(revolve(smooth({{0, -0.14F},
                          {0.35F * r, -0.13F},
                          {0.88F * r, -0.03F},
                          {r, 0.0F},
                          {0.88F * r, 0.035F},
                          {0.45F * r, 0.13F},
                          {0, 0.15F}}))
              .at(0, y, 0),
          hull);
  kit.add(torus(0.47F * r, 0.022F).at(0, y + 0.125F, 0), hull.shaded(0.7F));
  kit.add(ellipsoid(dome, 0.85F * dome, dome).at(0, y + 0.12F, 0),
          kit.accent(0x62D0D8, Finish::ceramic));
  const int lights = kit.pick(9, 11);
  kit.add(sphere(0.042F).at(0, y + 0.02F, 0.93F * r).around_y(lights),
          Kit::fixed(0xFFE25A, Finish::glow));
  kit.add(cylinder(0.30F * r, 0.025F).at(0, y - 0.14F, 0), Kit::fixed(0x9CF2A0, Finish::glow));
  kit.add(capsule({0.30F, y - 0.06F, 0.17F}, {0.42F, -0.12F, 0.24F}, 0.016F, 0.014F).around_y(3),
          hull.shaded(0.7F));
  kit.add(ellipsoid(0.05F, 0.022F, 0.05F).at(0.42F, -0.125F, 0.24F).around_y(3), hull.shaded(0.7F));
  kit.add(capsule({0, y + 0.3F, 0}, {0, y + 0.46F, 0}, 0.01F, 0.008F), hull);
  kit.add(sphere(0.028F).at(0, y + 0.47F, 0), Kit::fixed(0xF04A3A, Finish::glow));
}

void build_hot_air_balloon(Kit& kit) {
  const float r = kit.vary(0.46F, 0.05F), y = 0.98F;
  const Paint cloth = kit.main(0xD93A34, Finish::fabric);
  const vec3 other = kit.accent(0xF7D046, Finish::fabric).colour;
  const int gores = 2 * kit.pick(5, 6);
  const Solid envelope = revolve(smooth({{0, -0.62F},
                                         {0.10F, -0.62F},
                                         {0.13F, -0.56F},
                                         {0.34F, -0.30F},
                                         {r - 0.01F, -0.02F},
                                         {r, 0.12F},
                                         {0.86F * r, 0.33F},
                                         {0.48F * r, 0.49F},
                                         {0, 0.54F}}));
  kit.add(envelope.at(0, y, 0), cloth.patterned([=](const vec3& p, const vec3&, const vec3& c) {
    const float turn = std::atan2(p.x, p.z) / 6.2831853F * static_cast<float>(gores);
    const bool is_other = static_cast<int>(std::floor(turn)) % 2 != 0;
    const float seam = std::abs(turn - std::round(turn));
    return (is_other ? other : c) * (seam < 0.03F ? 0.86F : 1.0F);
  }));
  const Paint wicker =
      Kit::fixed(0xA4713C, Finish::bark).patterned([](const vec3& p, const vec3&, const vec3& c) {
        return c * (std::sin(120 * p.y) * std::sin(90 * (p.x + p.z)) > 0 ? 1.08F : 0.84F);
      });
  const Solid basket =
      cut(box(0.11F, 0.09F, 0.11F, 0.02F), box(0.09F, 0.09F, 0.09F, 0.01F).at(0, 0.04F, 0));
  kit.add(basket.at(0, 0.09F, 0), wicker);
  kit.add(capsule({0.10F, 0.17F, 0.10F}, {0.085F, y - 0.585F, 0.085F}, 0.008F, 0.008F)
              .mirrored_x()
              .mirrored_z(),
          Kit::fixed(0x5A4128, Finish::matte));
  kit.add(cylinder(0.035F, 0.04F).at(0, 0.28F, 0), Kit::fixed(0x8A8E94, Finish::metal));
}

constexpr ObjectKind kKinds[] = {
    {"car", 4.2F, build_car},        {"truck", 7.0F, build_truck},
    {"bus", 10.0F, build_bus},       {"boat", 6.0F, build_boat},
    {"rocket", 20.0F, build_rocket}, {"airplane", 30.0F, build_airplane},
    {"ufo", 10.0F, build_ufo},       {"hot air balloon", 20.0F, build_hot_air_balloon},
};

}  // namespace

std::span<const ObjectKind> vehicle_objects() { return kKinds; }

}  // namespace lode::sketch
