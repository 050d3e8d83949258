#include "sketch/paint.h"

#include <algorithm>
#include <cmath>
#include <glm/common.hpp>
#include <glm/geometric.hpp>
#include <utility>

#include "sketch/noise.h"

namespace lode::sketch {
namespace {

using glm::vec3;

/// The gamma-2.2 approximation of sRGB both ways: light adds up in linear space.
vec3 to_linear(const vec3& c) {
  return {std::pow(c.x, 2.2F), std::pow(c.y, 2.2F), std::pow(c.z, 2.2F)};
}
vec3 to_srgb(const vec3& c) {
  const vec3 safe = glm::clamp(c, 0.0F, 1.0F);
  return {std::pow(safe.x, 1 / 2.2F), std::pow(safe.y, 1 / 2.2F), std::pow(safe.z, 1 / 2.2F)};
}

float smoothstep(float low, float high, float x) {
  const float t = std::clamp((x - low) / (high - low), 0.0F, 1.0F);
  return t * t * (3 - 2 * t);
}

/// p with the grain axis first.
vec3 grain_frame(const vec3& p, int axis) {
  return axis == 0 ? p : axis == 1 ? vec3(p.y, p.z, p.x) : vec3(p.z, p.x, p.y);
}

vec3 wood(const vec3& colour, const vec3& p, int axis) {
  const vec3 q = grain_frame(p, axis);
  const vec3 stretched(q.x * 1.5F, q.y * 9.0F, q.z * 9.0F);
  const float rings =
      std::sin(22.0F * std::sqrt(q.y * q.y + q.z * q.z) + 5 * noise(stretched * 0.5F));
  const float fibres = noise({q.x * 6.0F, q.y * 60.0F, q.z * 60.0F});
  return colour * (0.95F + 0.10F * rings + 0.09F * fibres);
}

vec3 marble(const vec3& colour, const vec3& p) {
  const float warp = 2.6F * fractal_noise(p * 2.5F, 4);
  const float vein = std::abs(std::sin(4.0F * (p.x + 0.7F * p.y + 0.5F * p.z) + warp * 2.0F));
  const float dark = 1.0F - smoothstep(0.0F, 0.16F, vein);
  return colour * (1.0F - 0.42F * dark + 0.05F * fractal_noise(p * 7.0F, 2));
}

vec3 stone(const vec3& colour, const vec3& p) {
  const float mottle = fractal_noise(p * 9.0F, 3);
  const float speckle = noise(p * 48.0F);
  return colour * (0.97F + 0.16F * mottle + 0.07F * speckle);
}

vec3 foliage(const vec3& colour, const vec3& p) {
  const float leaf = noise(p * 26.0F), clump = noise(p * 7.0F);
  const vec3 warm = mix(colour, vec3(0.75F, 0.78F, 0.25F), 0.18F);
  return mix(colour, warm, 0.5F + 0.5F * clump) * (0.97F + 0.20F * leaf + 0.10F * clump);
}

/// A soft-edged bump of height 1 at `centre`.
float bump(float x, float centre, float width) {
  const float t = (x - centre) / width;
  return std::exp(-t * t);
}

/// The surroundings a polished surface mirrors, as brightness by the surface's normal: a light
/// ceiling with a strip of lamps, a dark horizon, a floor that bounces a little, and upright lamps
/// around at uneven distances.
float mirrored(const vec3& n) {
  const float above = smoothstep(-0.18F, 0.16F, n.y);
  const float floor = 0.30F + 0.26F * bump(n.y, -0.62F, 0.30F);
  const float ceiling =
      0.86F + 0.95F * bump(n.y, 0.56F, 0.17F) - 0.18F * smoothstep(0.75F, 1.0F, n.y);
  const float turn = std::atan2(n.x, n.z);
  float lamps = 0;
  constexpr float kLamps[][3] = {
      {0.62F, 0.30F, 1.0F}, {-0.85F, 0.22F, 0.6F}, {2.05F, 0.26F, 0.8F}, {-2.45F, 0.30F, 0.9F}};
  for (const auto& [at, width, strength] : kLamps) {
    lamps += strength * bump(turn, at, width);
  }
  const float upright = (1 - n.y * n.y) * (1 - n.y * n.y);
  return floor + (ceiling - floor) * above + upright * (0.85F * lamps - 0.12F);
}

/// How finishes take light.
struct Gloss {
  float strength;  ///< of the highlight, linear
  float power;     ///< its sharpness
  float rim;       ///< soft sheen where the surface turns down from the light
};

Gloss gloss(Finish finish) {
  switch (finish) {
    case Finish::plastic:
      return {0.16F, 24, 0};
    case Finish::ceramic:
      return {0.40F, 60, 0};
    case Finish::marble:
      return {0.22F, 50, 0};
    case Finish::metal:
      return {0.55F, 40, 0};
    case Finish::glass:
      return {0.55F, 60, 0};
    case Finish::ice:
      return {0.35F, 40, 0};
    case Finish::leather:
      return {0.10F, 14, 0};
    case Finish::fruit:
      return {0.16F, 28, 0};
    case Finish::wood:
      return {0.05F, 12, 0};
    case Finish::fabric:
    case Finish::fur:
      return {0, 1, 0.06F};
    default:
      return {0, 1, 0};
  }
}

}  // namespace

vec3 mix(const vec3& a, const vec3& b, float share_of_b) { return a + (b - a) * share_of_b; }

Paint Paint::along(int axis) const {
  Paint copy = *this;
  copy.grain = axis;
  return copy;
}

Paint Paint::shaded(float factor) const {
  Paint copy = *this;
  copy.colour = factor > 1 ? mix(colour, vec3(1), std::min(factor - 1, 1.0F)) : colour * factor;
  return copy;
}

Paint Paint::patterned(Pattern with) const {
  Paint copy = *this;
  copy.pattern = std::move(with);
  return copy;
}

vec3 texture(const Paint& paint, const vec3& p, const vec3& n, int grain) {
  const vec3 colour = paint.pattern ? paint.pattern(p, n, paint.colour) : paint.colour;
  const int axis = paint.grain >= 0 ? paint.grain : grain;
  switch (paint.finish) {
    case Finish::wood:
      return wood(colour, p, axis);
    case Finish::bark:
      return colour * (0.95F + 0.22F * noise(vec3(18, 5, 18) * p) + 0.10F * noise(p * 50.0F));
    case Finish::stone:
      return stone(colour, p);
    case Finish::marble:
      return marble(colour, p);
    case Finish::fabric:
      return colour *
             (0.98F + 0.05F * noise(p * vec3(90, 18, 18)) + 0.05F * noise(p * vec3(18, 90, 18)));
    case Finish::leather:
      return colour * (0.86F + 0.20F * cell_noise(p * 22.0F));
    case Finish::ice:
      return mix(colour, vec3(1),
                 std::clamp(0.25F + 0.45F * fractal_noise(p * 5.0F, 3), 0.0F, 0.8F));
    case Finish::clay:
      return colour * (0.98F + 0.05F * std::sin(70 * p.y) + 0.06F * noise(p * 14.0F));
    case Finish::foliage:
      return foliage(colour, p);
    case Finish::fruit:
      return colour * (1.0F + 0.06F * noise(p * 8.0F) + 0.05F * noise(p * 40.0F));
    case Finish::fur:
      return colour * (0.97F + 0.12F * noise(p * vec3(55, 18, 55)));
    default:
      return colour;
  }
}

vec3 key_light() { return glm::normalize(vec3(0.50F, 0.80F, 0.62F)); }

vec3 lit(const Paint& paint, const vec3& textured, const vec3& n, const Exposure& exposure) {
  if (paint.finish == Finish::picture) {
    return glm::clamp(textured, 0.0F, 1.0F);
  }
  const vec3 albedo = to_linear(glm::clamp(textured, 0.0F, 1.0F));
  if (paint.finish == Finish::glow) {
    return to_srgb(albedo * 1.15F);
  }
  const float towards = glm::dot(n, key_light());
  // A half-wrapped key light keeps the far side readable, as a photographer's fill would.
  const float key = exposure.key * std::max(0.0F, (towards + 0.15F) / 1.15F);
  const vec3 sky(0.57F, 0.60F, 0.64F), ground(0.43F, 0.40F, 0.38F);
  const vec3 ambient = mix(ground, sky, 0.5F + 0.5F * n.y) * exposure.ambient;
  const vec3 sun(0.74F, 0.71F, 0.67F);
  // A weak light from behind: the object is seen from all sides.
  const vec3 behind(0.17F, 0.18F, 0.20F);
  vec3 light = ambient + sun * key + behind * (std::max(0.0F, -towards) * exposure.ambient);
  if (paint.finish == Finish::metal) {
    light = mix(light, vec3(1.25F * mirrored(n)) * (0.40F + 0.60F * exposure.ambient), 0.80F);
  }
  const Gloss shine = gloss(paint.finish);
  vec3 out = albedo * light;
  if (shine.strength > 0 && towards > 0) {
    const vec3 tint = paint.finish == Finish::metal ? mix(vec3(1), albedo, 0.5F) : vec3(1);
    out += tint * (shine.strength * exposure.key * std::pow(towards, shine.power));
  }
  out += albedo * (shine.rim * (1 - std::abs(towards)));
  return to_srgb(out);
}

float opacity(Finish finish) {
  switch (finish) {
    case Finish::glass:
      return 0.16F;
    case Finish::ice:
      return 0.50F;
    default:
      return 0.99F;
  }
}

}  // namespace lode::sketch
