// Chairs, tables, beds and shelves.
#include <algorithm>

#include "sketch/objects.h"
#include "sketch/shapes.h"

namespace lode::sketch {
namespace {

using glm::vec2;
using glm::vec3;

/// Four legs from the ground to `height` at the corners (+-x, +-z), tapering downwards and splayed
/// outwards by `splay` at the foot.
Solid legs(float x, float z, float height, float thick, float splay) {
  return capsule({x + splay, 0.6F * thick, z + splay}, {x, height, z}, 0.6F * thick, thick)
      .mirrored_x()
      .mirrored_z();
}

void build_chair(Kit& kit) {
  const float w = kit.vary(0.28F, 0.08F), seat = kit.vary(0.46F, 0.06F),
              top = kit.vary(1.02F, 0.06F);
  const Paint wood = kit.main(0xA9713F, Finish::wood);
  kit.add(legs(w - 0.04F, w - 0.04F, seat, 0.036F, 0.015F), wood.along(1));
  kit.add(box(w, 0.03F, w, 0.02F).at(0, seat, 0), wood.along(2));
  const Paint cushion = kit.accent(0xB5483A, Finish::fabric);
  kit.add(box(w - 0.03F, 0.03F, w - 0.03F, 0.028F).at(0, seat + 0.045F, 0.01F), cushion);
  const Solid post =
      capsule({w - 0.04F, seat, -w + 0.04F}, {w - 0.03F, top, -w - 0.03F}, 0.034F, 0.028F);
  kit.add(post.mirrored_x(), wood.along(1));
  kit.add(box(w - 0.01F, 0.075F, 0.022F, 0.02F).turned_x(-6).at(0, top - 0.06F, -w - 0.02F),
          wood.along(0));
  kit.add(box(w - 0.03F, 0.03F, 0.018F, 0.015F).at(0, seat + 0.16F, -w + 0.025F), wood.along(0));
  const int slats = kit.pick(3, 4);
  const float pitch = 2 * (w - 0.09F) / static_cast<float>(slats - 1);
  const Solid slat = box(0.026F, 0.5F * (top - seat - 0.26F), 0.012F, 0.01F)
                         .turned_x(-6)
                         .at(-w + 0.09F, 0.5F * (top + seat) + 0.06F, -w + 0.002F);
  kit.add(slat.repeated(slats, {pitch, 0, 0}), wood.along(1));
  const Solid rung =
      capsule({w - 0.03F, 0.2F, -w + 0.03F}, {w - 0.03F, 0.2F, w - 0.03F}, 0.018F, 0.018F);
  kit.add(rung.mirrored_x(), wood.along(2));
}

void build_stool(Kit& kit) {
  const float r = kit.vary(0.30F, 0.08F), h = kit.vary(0.72F, 0.1F);
  const Paint wood = kit.main(0xB07A45, Finish::wood);
  kit.add(cylinder(r, 0.045F, 0.03F).at(0, h, 0), wood.along(0));
  const Solid leg = capsule({0.24F, 0.025F, 0.24F}, {0.15F, h - 0.02F, 0.15F}, 0.026F, 0.036F);
  kit.add(leg.around_y(4), wood.along(1));
  const float rung = 0.38F * h;
  kit.add(torus(0.285F, 0.02F).at(0, rung, 0), kit.accent(0x8A5A30, Finish::wood));
}

void build_table(Kit& kit) {
  const float w = kit.vary(0.75F, 0.06F), d = kit.vary(0.42F, 0.08F), h = kit.vary(0.66F, 0.06F);
  const Paint wood = kit.main(0x9C6636, Finish::wood);
  kit.add(box(w, 0.032F, d, 0.015F).at(0, h, 0), wood.along(0));
  const Paint frame = kit.has_accent() ? kit.accent(0x7E5029, Finish::wood) : wood.shaded(0.86F);
  kit.add(box(w - 0.09F, 0.05F, 0.016F).at(0, h - 0.08F, d - 0.08F).mirrored_z(), frame.along(0));
  kit.add(box(0.016F, 0.05F, d - 0.09F).at(w - 0.09F, h - 0.08F, 0).mirrored_x(), frame.along(2));
  const Solid leg =
      box(0.045F, 0.5F * h, 0.045F, 0.012F).at(w - 0.09F, 0.5F * h - 0.02F, d - 0.08F);
  kit.add(leg.mirrored_x().mirrored_z(), frame.along(1));
}

void build_lamp(Kit& kit) {
  const float wide = kit.vary(0.34F, 0.08F), narrow = kit.vary(0.19F, 0.1F),
              tall = kit.vary(0.36F, 0.1F);
  const Paint shade = kit.main(0xF0D9A8, Finish::fabric);
  const Paint base = kit.accent(0xB98B3E, Finish::metal);
  kit.add(revolve(smooth({{0, 0},
                          {0.22F, 0},
                          {0.22F, 0.03F},
                          {0.08F, 0.07F},
                          {0.05F, 0.12F},
                          {0.13F, 0.24F},
                          {0.12F, 0.34F},
                          {0.035F, 0.48F},
                          {0.03F, 0.60F},
                          {0, 0.62F}})),
          base);
  const float low = 0.60F;
  const Solid skirt = revolve(
      {{wide, low}, {narrow, low + tall}, {narrow - 0.018F, low + tall}, {wide - 0.018F, low}});
  // Lit from within: brighter around the bulb's height.
  kit.add(skirt, shade.patterned([=](const vec3& p, const vec3&, const vec3& c) {
    const float up = (p.y - low) / tall;
    const bool is_trim = up < 0.06F || up > 0.94F;
    return is_trim ? c * 0.78F
                   : mix(c, vec3(1, 0.97F, 0.86F), 0.35F * (1 - std::abs(2 * up - 0.9F)));
  }));
  kit.add(cylinder(0.02F, 0.08F).at(0, low + 0.06F, 0), base);
  kit.add(sphere(0.085F).at(0, low + 0.2F, 0), Kit::fixed(0xFFF3C4, Finish::glow));
  kit.add(sphere(0.03F).at(0, low + tall + 0.04F, 0), base);
  kit.add(capsule({-narrow, low + tall - 0.01F, 0}, {narrow, low + tall - 0.01F, 0}, 0.01F, 0.01F),
          base);
  kit.add(cylinder(0.01F, 0.03F).at(0, low + tall + 0.01F, 0), base);
}

void build_bed(Kit& kit) {
  const float w = kit.vary(0.45F, 0.08F), l = kit.vary(0.68F, 0.06F), head = kit.vary(0.58F, 0.1F);
  const Paint wood = kit.accent(0x8A5A32, Finish::wood);
  const Paint cover = kit.main(0x3F6FB5, Finish::fabric);
  kit.add(box(w, 0.06F, l, 0.02F).at(0, 0.20F, 0), wood.along(2));
  kit.add(box(0.045F, 0.11F, 0.045F).at(w - 0.05F, 0.11F, l - 0.05F).mirrored_x().mirrored_z(),
          wood.along(1));
  kit.add(box(w + 0.02F, 0.5F * head, 0.035F, 0.025F).at(0, 0.5F * head, -l - 0.01F),
          wood.along(0));
  kit.add(box(w + 0.02F, 0.18F, 0.03F, 0.025F).at(0, 0.18F, l + 0.01F), wood.along(0));
  kit.add(box(w - 0.02F, 0.085F, l - 0.02F, 0.06F).at(0, 0.33F, 0),
          Kit::fixed(0xF5F2EA, Finish::fabric));
  kit.add(box(w + 0.005F, 0.09F, 0.66F * l, 0.06F).at(0, 0.34F, 0.34F * l - 0.02F), cover);
  kit.add(box(w + 0.007F, 0.03F, 0.09F, 0.028F).at(0, 0.415F, -0.30F * l),
          Kit::fixed(0xFBF8F1, Finish::fabric));
  const Solid pillow = box(0.19F, 0.06F, 0.13F, 0.058F).turned_x(18).at(0.21F, 0.46F, -l + 0.17F);
  kit.add(pillow.mirrored_x(), Kit::fixed(0xFBF9F3, Finish::fabric));
}

void build_sofa(Kit& kit) {
  const float w = kit.vary(0.75F, 0.06F), h = kit.vary(0.60F, 0.06F), d = kit.vary(0.34F, 0.06F);
  const Paint cloth = kit.main(0x5C7A8C, Finish::fabric);
  const Paint seat = kit.has_accent() ? kit.accent(0x5C7A8C, Finish::fabric) : cloth.shaded(1.10F);
  kit.add(box(w, 0.10F, d, 0.03F).at(0, 0.17F, 0), cloth);
  kit.add(box(w, 0.5F * h - 0.06F, 0.09F, 0.06F).turned_x(-6).at(0, 0.5F * h + 0.08F, -d + 0.04F),
          cloth);
  kit.add(box(0.095F, 0.20F, d + 0.02F, 0.07F).at(w, 0.27F, 0.02F).mirrored_x(),
          cloth.shaded(0.92F));
  const float half = 0.5F * (w - 0.10F);
  kit.add(box(half - 0.006F, 0.065F, d - 0.06F, 0.045F).at(half, 0.325F, 0.06F).mirrored_x(), seat);
  kit.add(
      box(half - 0.01F, 0.15F, 0.06F, 0.05F).turned_x(-12).at(half, 0.50F, -d + 0.17F).mirrored_x(),
      seat);
  kit.add(cone(0.022F, 0.035F, 0.09F).at(w - 0.04F, 0, d - 0.06F).mirrored_x().mirrored_z(),
          Kit::fixed(0x4A3020, Finish::wood));
}

/// A shelf's room for books.
struct Shelf {
  float from, to;  ///< along x
  float y;         ///< where the books stand
  float tallest, depth;
};

void add_books(Kit& kit, const Shelf& shelf) {
  constexpr std::uint32_t kCovers[] = {0xB03A2E, 0x2E5C8A, 0x2F7D4F, 0xD9A441, 0x6B3F7A,
                                       0xE8DCC0, 0x23404F, 0xC8683B, 0x7F8C8D, 0x8E2F4F};
  float x = shelf.from;
  while (true) {
    const float thick = kit.between(0.035F, 0.06F),
                tall = shelf.tallest * kit.between(0.72F, 0.96F);
    if (x + thick > shelf.to) {
      return;
    }
    const Paint cover = Kit::fixed(kCovers[kit.pick(0, 9)], Finish::matte);
    const vec3 gilt = mix(cover.colour, rgb(0xF2DFA0), 0.75F);
    kit.add(box(0.5F * thick - 0.002F, 0.5F * tall, 0.42F * shelf.depth, 0.004F)
                .at(x + 0.5F * thick, shelf.y + 0.5F * tall, -0.04F * shelf.depth),
            cover.patterned([=](const vec3& p, const vec3& n, const vec3& c) {
              const float up = (p.y - shelf.y) / tall;
              return n.z > 0.7F && ((up > 0.72F && up < 0.82F) || (up > 0.12F && up < 0.16F)) ? gilt
                                                                                              : c;
            }));
    x += thick;
    if (kit.chance(0.06)) {
      x += 0.05F;
    }
  }
}

void build_bookshelf(Kit& kit) {
  const float w = kit.vary(0.42F, 0.08F), h = kit.vary(1.15F, 0.06F), d = kit.vary(0.15F, 0.1F);
  const Paint wood = kit.main(0x94623A, Finish::wood);
  constexpr float kBoard = 0.018F;
  kit.add(box(kBoard, 0.5F * h, d, 0.005F).at(w - kBoard, 0.5F * h, 0).mirrored_x(), wood.along(1));
  kit.add(box(w, 0.5F * h, 0.008F, 0.004F).at(0, 0.5F * h, -d), wood.shaded(0.72F).along(1));
  constexpr int kShelves = 4;
  const float pitch = (h - 0.05F) / kShelves;
  for (int i = 0; i <= kShelves; ++i) {
    const float y = 0.04F + static_cast<float>(i) * pitch - (i == kShelves ? 0.01F : 0.0F);
    kit.add(box(i == kShelves ? w + 0.015F : w - kBoard, kBoard, d + (i == kShelves ? 0.012F : 0),
                0.005F)
                .at(0, y, 0),
            wood.along(0));
    if (i < kShelves) {
      const float inner = w - 2 * kBoard - 0.01F;
      const float end = kit.chance(0.4) ? inner * kit.between(0.4F, 0.9F) : inner;
      add_books(kit, {-inner, end, y + kBoard, pitch - 2.4F * kBoard, d});
    }
  }
}

constexpr ObjectKind kKinds[] = {
    {"chair", 0.95F, build_chair},
    {"stool", 0.75F, build_stool},
    {"table", 1.4F, build_table},
    {"lamp", 0.6F, build_lamp},
    {"bed", 2.0F, build_bed},
    {"sofa", 1.9F, build_sofa},
    {"bookshelf", 1.8F, build_bookshelf},
};

}  // namespace

std::span<const ObjectKind> furniture_objects() { return kKinds; }

}  // namespace lode::sketch
