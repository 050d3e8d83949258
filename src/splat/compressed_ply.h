// The compressed PLY of PlayCanvas and SuperSplat.
#pragma once

#include "base/bytes.h"
#include "splat/cloud.h"

namespace lode::splat {

/// 16 bytes a gaussian (and one byte a coefficient of spherical harmonics above degree 0), in
/// chunks of 256 neighbours whose bounds are stored beside them; see docs/formats/viewers.md. Log
/// scales are clamped to +-20 and coefficients to +-4. A cloud that is empty or holds a value that
/// is not finite (other than an infinite opacity logit) is Errc::invalid_input.
Result<Bytes> encode_compressed_ply(const GaussianCloud& cloud);

}  // namespace lode::splat
