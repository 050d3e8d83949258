// Shapes a cloud so that the validators' own framing leaves it as it is.
#pragma once

#include "base/result.h"
#include "base/rng.h"
#include "splat/checks.h"
#include "splat/cloud.h"

namespace lode::splat {

/// Every preconditioned cloud has at least this many gaussians.
inline constexpr std::size_t kPreconditionedGaussians = kMinGaussians + 250;

/// After this the cloud, packed to SPZ and decoded, has longest side 1.5 exactly (6144 steps of
/// 1/4096) and on every axis a mean within half a step of 0, nearly always 0 exactly, so that
/// `frame` does not change it: positions are put on the grid here, and single ones moved by a step
/// or a few. Opacities, colours and rotations are kept; scales grow with the positions.
///
/// Gaussians that are invisible (alpha below 1/255) or not finite are dropped. While fewer than
/// kPreconditionedGaussians remain, the largest are split in two along their longest axis, which
/// keeps the look. `rng` chooses which gaussians are moved. A cloud that has no visible gaussian or
/// no extent is Errc::invalid_input.
Result<GaussianCloud> precondition(const GaussianCloud& cloud, Rng& rng);

}  // namespace lode::splat
