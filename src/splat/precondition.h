// Shapes a cloud so that the validators' own framing leaves it as it is.
#pragma once

#include "base/result.h"
#include "base/rng.h"
#include "splat/cloud.h"

namespace lode::splat {

/// After this the cloud, packed to SPZ and decoded, has longest side 1.5 exactly (6144 steps of
/// 1/4096), a mean of 0 on every axis to within a step (so the validators' scalar mean is 0 too),
/// and at least kMinGaussians + a margin of gaussians that would be seen: too few are split in two
/// along their longest axis, as often as needed, without changing the look. Invisible gaussians
/// (alpha below 1/255) are dropped. A cloud that is empty, holds no visible gaussian or has no
/// extent is Errc::invalid_input.
Result<GaussianCloud> precondition(const GaussianCloud& cloud, Rng& rng);

}  // namespace lode::splat
