// Makes more gaussians of a cloud without changing what it looks like.
#pragma once

#include <cstddef>

#include "splat/cloud.h"

namespace lode::splat {

/// Splits the widest gaussians in two along their longest axis, all once before any twice, until
/// there are `wanted`. A cloud that has as many stays as it is; an empty one, too.
void split_until(GaussianCloud& cloud, std::size_t wanted);

}  // namespace lode::splat
