// The validators' data checks: a splat that fails any of them scores 0.
#pragma once

#include <string>
#include <vector>

#include "splat/cloud.h"

namespace lode::splat {

/// Fewest gaussians the validators accept.
inline constexpr std::size_t kMinGaussians = 7000;

struct CheckReport {
  std::vector<std::string> reasons;  ///< one line per failed check, empty when all pass
  bool valid() const { return reasons.empty(); }
};

/// Runs the checks of the validators' `gs_data_checker_utils.is_input_data_valid` in their order,
/// with their quirks (protocol: fewer than 7000; any of the first three centres close to (1,1,1);
/// over 80 % of opacities below 1e-3; every rotation the identity). Besides theirs, values that
/// are not finite are reported, since they render as nothing.
CheckReport check(const Scene& scene);

}  // namespace lode::splat
