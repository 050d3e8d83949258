// Toys, games and instruments.
#include <cmath>

#include "sketch/noise.h"
#include "sketch/objects.h"
#include "sketch/shapes.h"

namespace lode::sketch {
namespace {

using glm::vec2;
using glm::vec3;

void build_snowman(Kit& kit) {
  const Paint snow = kit.main(0xF6F8FB, Finish::matte);
  const Paint scarf = kit.accent(0xC9302C, Finish::fabric);
  const Paint coal = Kit::fixed(0x1E1D20, Finish::matte);
  const float low = kit.vary(0.34F, 0.05F), mid = kit.vary(0.25F, 0.05F),
              head = kit.vary(0.18F, 0.05F);
  const float y1 = 0.92F * low, y2 = y1 + 0.78F * (low + mid), y3 = y2 + 0.82F * (mid + head);
  const auto ball = [](float r) {
    return sphere(r).displaced([](const vec3& p) { return 0.006F * noise(p * 15.0F); }, 0.006F,
                               0.3F);
  };
  kit.add(blend({ball(low).at(0, y1, 0), ball(mid).at(0, y2, 0), ball(head).at(0, y3, 0)}, 0.04F),
          snow);
  kit.add(sphere(0.026F).at(0.065F, y3 + 0.05F, 0.94F * head).mirrored_x(), coal);
  kit.add(capsule({0, y3 - 0.01F, head - 0.02F}, {0.02F, y3 - 0.03F, head + 0.19F}, 0.035F, 0.006F),
          Kit::fixed(0xF07F1B, Finish::matte));
  for (int i = -2; i <= 2; ++i) {
    const float turn = 0.22F * static_cast<float>(i);
    kit.add(sphere(0.014F).at(std::sin(turn) * 0.97F * head,
                              y3 - 0.085F + 0.012F * static_cast<float>(i * i),
                              std::cos(turn) * 0.86F * head),
            coal);
  }
  for (const float y : {y2 + 0.10F, y2, y2 - 0.10F}) {
    kit.add(sphere(0.026F).at(0, y, std::sqrt(mid * mid - (y - y2) * (y - y2)) + 0.004F), coal);
  }
  const float neck = y2 + 0.86F * mid;
  kit.add(torus(0.70F * head, 0.05F).stretched(1.12F, 1, 1.12F).at(0, neck + 0.015F, 0), scarf);
  kit.add(box(0.05F, 0.15F, 0.02F, 0.018F)
              .turned_x(-8)
              .turned_z(8)
              .at(0.10F, neck - 0.13F, 0.93F * mid),
          scarf.shaded(0.92F));
  const Paint felt = Kit::fixed(0x26252B, Finish::fabric);
  kit.add(cylinder(0.95F * head + 0.04F, 0.016F, 0.01F).at(0, y3 + 0.80F * head, 0), felt);
  kit.add(cylinder(0.72F * head, 0.11F, 0.015F).at(0, y3 + 0.80F * head + 0.11F, 0), felt);
  kit.add(cylinder(0.73F * head, 0.026F, 0.004F).at(0, y3 + 0.80F * head + 0.045F, 0), scarf);
  const Solid arm = unite(
      {capsule({mid - 0.03F, y2 + 0.05F, 0}, {mid + 0.30F, y2 + 0.20F, 0.02F}, 0.018F, 0.013F),
       capsule({mid + 0.20F, y2 + 0.155F, 0.01F}, {mid + 0.24F, y2 + 0.27F, 0.03F}, 0.011F, 0.009F),
       capsule({mid + 0.22F, y2 + 0.165F, 0.01F}, {mid + 0.32F, y2 + 0.13F, 0.06F}, 0.011F,
               0.009F)});
  kit.add(arm.mirrored_x(), Kit::fixed(0x6B4527, Finish::bark));
}

void build_robot(Kit& kit) {
  const Paint shell = kit.main(0x8FA3B5, Finish::metal);
  const Paint trim = kit.accent(0xE08A2B, Finish::plastic);
  const Paint dark = Kit::fixed(0x2E3338, Finish::metal);
  const float w = kit.vary(0.25F, 0.07F), h = kit.vary(0.23F, 0.07F), head = kit.vary(0.19F, 0.06F);
  const float hip = 0.36F, chest = hip + h, neck = hip + 2 * h;
  kit.add(box(w, h, 0.17F, 0.04F).at(0, chest, 0), shell);
  kit.add(box(0.72F * w, 0.55F * h, 0.02F, 0.012F).at(0, chest + 0.03F, 0.17F),
          shell.shaded(0.72F));
  kit.add(sphere(0.026F).at(0, 0, 0).repeated(3, {0.085F, 0, 0}).at(-0.085F, chest + 0.08F, 0.19F),
          Kit::fixed(0x5BE07A, Finish::glow));
  kit.add(cylinder(0.05F, 0.012F).turned_x(90).at(-0.06F, chest - 0.02F, 0.19F),
          Kit::fixed(0xF3F3EE, Finish::matte));
  kit.add(box(0.045F, 0.018F, 0.012F, 0.006F).at(0.08F, chest - 0.02F, 0.19F), trim);
  kit.add(cylinder(0.06F, 0.05F).at(0, neck + 0.02F, 0), dark);
  const float face = neck + 0.06F + 0.75F * head;
  kit.add(box(head, 0.75F * head, 0.8F * head, 0.04F).at(0, face, 0), shell);
  kit.add(
      cylinder(0.052F, 0.02F).turned_x(90).at(0.42F * head, face + 0.03F, 0.8F * head).mirrored_x(),
      dark);
  kit.add(sphere(0.042F)
              .stretched(1, 1, 0.6F)
              .at(0.42F * head, face + 0.03F, 0.8F * head + 0.015F)
              .mirrored_x(),
          Kit::fixed(0x6FE3FF, Finish::glow));
  kit.add(box(0.085F, 0.018F, 0.012F, 0.006F).at(0, face - 0.075F, 0.8F * head), dark);
  kit.add(cylinder(0.05F, 0.025F).turned_z(90).at(head + 0.015F, face, 0).mirrored_x(), trim);
  kit.add(capsule({0, face + 0.6F * head, 0}, {0, face + 0.75F * head + 0.13F, 0}, 0.012F, 0.01F),
          dark);
  kit.add(sphere(0.036F).at(0, face + 0.75F * head + 0.15F, 0), Kit::fixed(0xF0483A, Finish::glow));
  const float arm = w + 0.065F;
  kit.add(sphere(0.075F).at(arm, neck - 0.075F, 0).mirrored_x(), trim);
  kit.add(capsule({arm + 0.01F, neck - 0.1F, 0}, {arm + 0.05F, chest - 0.05F, 0}, 0.042F, 0.042F)
              .mirrored_x(),
          dark);
  kit.add(
      capsule({arm + 0.05F, chest - 0.06F, 0}, {arm + 0.05F, chest - 0.20F, 0.10F}, 0.058F, 0.052F)
          .mirrored_x(),
      shell);
  const Solid claw =
      cut(torus(0.05F, 0.022F).turned_z(90), box(0.1F, 0.05F, 0.05F, 0).at(0, -0.04F, 0.05F));
  kit.add(claw.at(arm + 0.05F, chest - 0.26F, 0.13F).mirrored_x(), trim);
  kit.add(capsule({0.13F, hip, 0}, {0.13F, 0.12F, 0}, 0.055F, 0.055F).mirrored_x(), dark);
  kit.add(box(0.085F, 0.055F, 0.13F, 0.035F).at(0.13F, 0.055F, 0.03F).mirrored_x(), shell);
}

void build_dice(Kit& kit) {
  const Paint body = kit.main(0xF5F3EC, Finish::plastic);
  const vec3 dots = kit.accent(0x1F1F23, Finish::plastic).colour;
  const vec3 ink = kit.has_accent() || body.colour.x + body.colour.y + body.colour.z > 1.2F
                       ? dots
                       : rgb(0xF7F5EE);
  const float half = 0.42F, step = 0.22F, dot = kit.vary(0.082F, 0.06F);
  const float turn = kit.between(-12, 12);
  // Which of the nine places of a face carry a dot, by the number it shows.
  constexpr bool kFaces[7][9] = {{},
                                 {0, 0, 0, 0, 1, 0, 0, 0, 0},
                                 {1, 0, 0, 0, 0, 0, 0, 0, 1},
                                 {1, 0, 0, 0, 1, 0, 0, 0, 1},
                                 {1, 0, 1, 0, 0, 0, 1, 0, 1},
                                 {1, 0, 1, 0, 1, 0, 1, 0, 1},
                                 {1, 0, 1, 1, 0, 1, 1, 0, 1}};
  std::vector<Solid> pits;
  const auto add_face = [&](int number, const auto& place_at) {
    for (int i = 0; i < 9; ++i) {
      if (kFaces[number][i]) {
        const int column = i % 3 - 1, row = i / 3 - 1;
        const float u = step * static_cast<float>(column), v = step * static_cast<float>(row);
        pits.push_back(sphere(dot).at(place_at(u, v)));
      }
    }
  };
  const float out = half + 0.35F * dot;
  add_face(5, [&](float u, float v) { return vec3(u, v, out); });
  add_face(2, [&](float u, float v) { return vec3(u, v, -out); });
  add_face(3, [&](float u, float v) { return vec3(out, u, v); });
  add_face(4, [&](float u, float v) { return vec3(-out, u, v); });
  add_face(1, [&](float u, float v) { return vec3(u, out, v); });
  add_face(6, [&](float u, float v) { return vec3(u, -out, v); });
  const Solid dimples = unite(std::move(pits));
  const Solid cube = cut(box(half, half, half, 0.09F), dimples, 0.01F);
  // Patterns read object space, so the dimples' field is turned along with the cube.
  const Solid turned_dimples = dimples.turned_y(turn).at(0, half, 0);
  kit.add(cube.turned_y(turn).at(0, half, 0),
          body.patterned([=](const vec3& p, const vec3&, const vec3& c) {
            return turned_dimples(p) < 0.006F ? ink : c;
          }));
}

void build_ball(Kit& kit) {
  const float r = kit.vary(0.5F, 0.04F), tilt = kit.between(15, 30);
  const Paint body = kit.main(0xD6322F, Finish::plastic);
  const vec3 other = kit.accent(0xF8F6EF, Finish::plastic).colour;
  const bool is_plain = kit.has_accent() || body.finish != Finish::plastic;
  constexpr std::uint32_t kPanels[] = {0, 0xF8F6EF, 0xF5C92B, 0xF8F6EF, 0x2C74C9, 0xF8F6EF};
  const float c = std::cos(tilt * 0.01745F), s = std::sin(tilt * 0.01745F);
  kit.add(sphere(r).at(0, r, 0),
          body.patterned([=](const vec3& p, const vec3&, const vec3& colour) {
            const vec3 q(p.x, c * (p.y - r) + s * p.z, -s * (p.y - r) + c * p.z);
            if (std::abs(q.y) > 0.95F * r) {
              return other;
            }
            const auto panel =
                static_cast<int>(std::floor((std::atan2(q.x, q.z) / 6.2831853F + 1) * 6)) % 6;
            if (is_plain) {
              return panel % 2 == 0 ? colour : other;
            }
            return panel == 0 ? colour : rgb(kPanels[panel]);
          }));
}

void build_balloon(Kit& kit) {
  const float r = kit.vary(0.36F, 0.05F);
  const Paint rubber = kit.main(0xDB2F3C, Finish::ceramic);
  const float y = 1.06F;
  kit.add(revolve(smooth({{0, -0.46F},
                          {0.04F, -0.45F},
                          {0.20F, -0.32F},
                          {0.93F * r, -0.08F},
                          {r, 0.10F},
                          {0.82F * r, 0.31F},
                          {0.40F * r, 0.42F},
                          {0, 0.44F}}))
              .at(0, y, 0),
          rubber);
  kit.add(cone(0.055F, 0.015F, 0.06F, 0.006F).at(0, y - 0.51F, 0), rubber.shaded(0.8F));
  kit.add(
      tube(bezier({0, y - 0.51F, 0}, {0.10F, 0.38F, 0.02F}, {-0.12F, 0.20F, 0}, {0.03F, 0, 0}, 20),
           0.011F),
      kit.accent(0xD8D3C8, Finish::fabric));
}

void build_guitar(Kit& kit) {
  const Paint top = kit.main(0xD08A3E, Finish::wood);
  const Paint side = kit.accent(0x5E3620, Finish::wood);
  const Paint dark = Kit::fixed(0x2C1E17, Finish::wood);
  const float waist = kit.vary(0.185F, 0.06F), lower = kit.vary(0.30F, 0.04F),
              upper = kit.vary(0.225F, 0.05F);
  const std::vector<vec2> half = smooth({{0, 0},
                                         {0.7F * lower, 0.05F},
                                         {lower, 0.24F},
                                         {0.84F * lower, 0.42F},
                                         {waist, 0.50F},
                                         {upper, 0.64F},
                                         {0.7F * upper, 0.76F},
                                         {0, 0.79F}});
  std::vector<vec2> outline = half;
  for (auto point = half.rbegin() + 1; point + 1 != half.rend(); ++point) {
    outline.emplace_back(-point->x, point->y);
  }
  kit.add(extrude(outline, 0.075F, 0.008F), side.along(1));
  const Solid hole = cylinder(0.082F, 0.1F, 0).turned_x(90).at(0, 0.50F, 0.08F);
  kit.add(cut(extrude(outline, 0.012F, 0.004F).scaled(0.985F).at(0, 0.006F, 0.078F), hole),
          top.along(1));
  kit.add(cylinder(0.084F, 0.004F, 0.002F).turned_x(90).at(0, 0.50F, 0.078F),
          Kit::fixed(0x140E0B, Finish::matte));
  kit.add(torus(0.095F, 0.010F).turned_x(90).at(0, 0.50F, 0.09F), dark);
  kit.add(box(0.12F, 0.024F, 0.014F, 0.006F).at(0, 0.24F, 0.10F), dark);
  const float nut = kit.vary(1.34F, 0.03F);
  kit.add(box(0.034F, 0.5F * (nut - 0.62F), 0.028F, 0.012F).at(0, 0.5F * (nut + 0.62F), 0.068F),
          side.along(1));
  kit.add(box(0.036F, 0.5F * (nut - 0.58F), 0.008F, 0.003F).at(0, 0.5F * (nut + 0.58F), 0.098F),
          dark.patterned([=](const vec3& p, const vec3&, const vec3& c) {
            const float fret = (nut - p.y) * 17.0F;
            return fret - std::floor(fret) < 0.16F ? rgb(0xC9C3B0) : c;
          }));
  kit.add(extrude({{-0.042F, nut - 0.01F},
                   {0.042F, nut - 0.01F},
                   {0.062F, nut + 0.20F},
                   {0, nut + 0.23F},
                   {-0.062F, nut + 0.20F}},
                  0.02F, 0.006F)
              .at(0, 0, 0.068F),
          side.along(1));
  kit.add(sphere(0.02F).repeated(3, {0, 0.06F, 0}).at(0.083F, nut + 0.04F, 0.068F).mirrored_x(),
          Kit::fixed(0xE9E4D6, Finish::ceramic));
  std::vector<Solid> strings;
  for (const float x : {-0.024F, -0.008F, 0.008F, 0.024F}) {
    strings.push_back(capsule({1.3F * x, 0.24F, 0.118F}, {x, nut, 0.112F}, 0.0022F, 0.0022F));
  }
  kit.add(unite(std::move(strings)), Kit::fixed(0xB9B3A6, Finish::matte));
}

void build_drum(Kit& kit) {
  const float r = kit.vary(0.46F, 0.06F), h = kit.vary(0.48F, 0.1F);
  const Paint shell = kit.main(0xC3292E, Finish::ceramic);
  const Paint hoop = kit.accent(0xE3C25B, Finish::metal);
  kit.add(cylinder(r, 0.5F * h, 0.004F).at(0, 0.5F * h + 0.03F, 0), shell);
  kit.add(cylinder(r - 0.01F, 0.012F, 0.004F).at(0, h + 0.045F, 0),
          Kit::fixed(0xF6F1E4, Finish::matte));
  kit.add(torus(r + 0.01F, 0.035F).at(0, h + 0.02F, 0), hoop);
  kit.add(torus(r + 0.01F, 0.035F).at(0, 0.05F, 0), hoop);
  // Cords zigzag between the hoops.
  const int cords = kit.pick(7, 9);
  const float turn = 180.0F / static_cast<float>(cords);
  const float c = std::cos(turn * 0.01745F), s = std::sin(turn * 0.01745F), out = r + 0.015F;
  const Solid cord = unite({capsule({0, 0.06F, out}, {out * s, h, out * c}, 0.013F, 0.013F),
                            capsule({0, 0.06F, out}, {-out * s, h, out * c}, 0.013F, 0.013F)});
  kit.add(cord.around_y(cords), Kit::fixed(0xF4EFE2, Finish::fabric));
  const Paint stick = Kit::fixed(0xC58E52, Finish::wood);
  const auto put = [&](float angle, float x) {
    return unite({capsule({0, 0, -0.36F}, {0, 0.02F, 0.30F}, 0.02F, 0.014F),
                  sphere(0.034F).at(0, 0.025F, 0.32F)})
        .turned_y(angle)
        .at(x, h + 0.085F, 0.02F);
  };
  kit.add(put(-28, 0.09F), stick.along(2));
  kit.add(put(24, -0.12F).at(0, 0.035F, 0), stick.along(2));
}

constexpr ObjectKind kKinds[] = {
    {"snowman", 1.6F, build_snowman}, {"robot", 0.6F, build_robot},
    {"dice", 0.02F, build_dice},      {"ball", 0.25F, build_ball},
    {"balloon", 0.6F, build_balloon}, {"guitar", 1.0F, build_guitar},
    {"drum", 0.4F, build_drum},
};

}  // namespace

std::span<const ObjectKind> toy_objects() { return kKinds; }

}  // namespace lode::sketch
