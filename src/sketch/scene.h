// Lays a scene out: objects built, scaled to each other, arranged, centred and sized to the frame.
#pragma once

#include <cstdint>
#include <vector>

#include "sketch/sampler.h"
#include "sketch/sketch.h"

namespace lode::sketch {

/// The longest side of a laid-out scene, world units.
inline constexpr float kSceneExtent = 1.5F;

/// All parts of the scene in world space, centred on the origin, longest side about kSceneExtent
/// by the solids' bounds, which hold them with some room. Empty
/// when the subject's noun is not one of nouns(); an unknown second object is left out.
std::vector<PlacedPart> lay_out(const SceneSpec& scene, std::uint64_t seed);

}  // namespace lode::sketch
