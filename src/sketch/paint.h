// What a surface looks like: colour, finish, texture, and the light baked into it.
#pragma once

#include <cstdint>
#include <functional>
#include <glm/vec3.hpp>

namespace lode::sketch {

/// How a surface takes light, and which texture it carries.
enum class Finish {
  matte,    ///< paper, plaster, unglazed things
  plastic,  ///< smooth with a soft highlight
  ceramic,  ///< glazed: a crisp highlight
  wood,     ///< grain along the part's longest side
  bark,     ///< rough wood
  metal,    ///< reflects a bright sky, a dark horizon and the ground
  stone,    ///< mottled
  marble,   ///< veined and polished
  glass,    ///< clear: less opaque than all others, with a bright sheen
  fabric,   ///< woven, with a soft rim
  leather,  ///< pebbled
  ice,      ///< cloudy and a little clear
  clay,     ///< thrown: faint rings around the vertical
  foliage,  ///< leaf by leaf brighter and darker
  fruit,    ///< speckled skin
  fur,      ///< fine strands
  glow,     ///< gives light: not shaded
  picture   ///< colours that carry their light already, taken as they are
};

/// sRGB 0..1 from 0xRRGGBB.
constexpr glm::vec3 rgb(std::uint32_t hex) {
  return glm::vec3(hex >> 16 & 255U, hex >> 8 & 255U, hex & 255U) / 255.0F;
}
/// Between two colours.
glm::vec3 mix(const glm::vec3& a, const glm::vec3& b, float share_of_b);

/// A surface's look. `pattern`, where given, says the colour at a point of the object's own space
/// with this normal, from the paint's colour.
struct Paint {
  using Pattern =
      std::function<glm::vec3(const glm::vec3& p, const glm::vec3& n, const glm::vec3& colour)>;
  glm::vec3 colour{0.5F};  ///< sRGB
  Finish finish = Finish::plastic;
  int grain = -1;  ///< axis of wood grain, 0..2; -1 for the longest side of the part
  Pattern pattern;

  Paint along(int axis) const;             ///< with this grain axis
  Paint shaded(float factor) const;        ///< darker (below 1) or lighter (above 1)
  Paint patterned(Pattern pattern) const;  ///< with this pattern
};

/// Colour before light: pattern and texture applied, sRGB. `grain` is the axis to use when the
/// paint leaves it open.
glm::vec3 texture(const Paint& paint, const glm::vec3& p, const glm::vec3& n, int grain);

/// Where the key light comes from, unit.
glm::vec3 key_light();

/// How much light reaches a point: both 0 (none) to 1.
struct Exposure {
  float ambient = 1;  ///< share of the surroundings that is not occluded
  float key = 1;      ///< share of the key light that is not shadowed
};

/// sRGB with light baked in: an ambient hemisphere, one key light, and the finish's highlight seen
/// from where the surface faces. 0..1.
glm::vec3 lit(const Paint& paint, const glm::vec3& textured, const glm::vec3& n,
              const Exposure& exposure);

/// 0..1, below 1 for clear finishes.
float opacity(Finish finish);

}  // namespace lode::sketch
