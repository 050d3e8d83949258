// From many random surface points to evenly spaced ones: Poisson-disk sample elimination.
#pragma once

#include <vector>

#include "base/rng.h"
#include "sketch/sampler.h"

namespace lode::sketch {

/// Points a unit of area keeps at spacing 1: random sequential packing of discs of diameter 1
/// covers 0.547 of the plane (Feder 1980), less a little since the candidates are finite.
inline constexpr float kPackingDensity = 0.64F;

struct Candidate {
  SurfacePoint point;  ///< its spacing is relative, 0..1: a share of the widest spacing
  float area = 0;      ///< the surface it stands for
};

/// Keeps about `count` of the candidates (within 5 % where they are dense enough) so that no two
/// facing the same way are closer than the smaller of their spacings, and none could be added.
/// The spacings of the points returned are absolute.
std::vector<SurfacePoint> thin_out(std::vector<Candidate> candidates, std::size_t count, Rng rng);

}  // namespace lode::sketch
