// A view sampler that knows the answer: for tests, and to measure what becomes of good views.
#pragma once

#include <memory>
#include <vector>

#include "dream/guidance.h"
#include "splat/cloud.h"

namespace lode::dream {

/// How far an oracle's views are from the truth, as a diffusion model's are: each view differs by
/// numbers of its own. Zero: not at all.
struct Inconsistency {
  float turn_deg = 0;  ///< standard deviation of the camera's azimuth and elevation
  float zoom = 0;      ///< ... of the natural logarithm of its distance
  float gain = 0;      ///< ... of the natural logarithm of each channel's gain
  float blur = 0;      ///< views are drawn smaller by this share and enlarged, 0..0.9
  float noise = 0;     ///< standard deviation of every value, grey levels, background too
  float ground = 0;    ///< the white's mean shortfall, grey levels
};

/// What the real models' views look like at their better moments; a guess, not a measurement.
Inconsistency model_like();

/// Where MVDream looks from: 90 degrees apart, 15 above.
std::vector<render::Orbit> four_orbits(int size = 256);
/// Where Zero123 is asked for: 60 degrees apart, level with the picture and 20 above it by turns.
std::vector<render::Orbit> six_orbits(int size = 256);

/// Draws a cloud from the orbits, over white. Needs no picture.
std::unique_ptr<ViewSampler> oracle_sampler(const splat::GaussianCloud& truth,
                                            std::vector<render::Orbit> orbits,
                                            const Inconsistency& inconsistency);

}  // namespace lode::dream
