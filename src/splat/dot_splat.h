// The .splat files of antimatter15's viewer.
#pragma once

#include "base/bytes.h"
#include "splat/cloud.h"

namespace lode::splat {

/// 32 bytes a gaussian, largest and most opaque first, as the viewer's own converter writes them;
/// see docs/formats/viewers.md. Spherical harmonics above degree 0 are dropped, colours and opacity
/// keep 8 bits and colours outside 0..1 are clamped, rotations keep 1/128 a component. A cloud that
/// is empty or holds a value that is not finite (other than an infinite opacity logit) is
/// Errc::invalid_input.
Result<Bytes> encode_dot_splat(const GaussianCloud& cloud);

}  // namespace lode::splat
