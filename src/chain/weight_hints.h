// Which validators' weights look copied: a reason that a person may act on, never applied by
// itself.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "chain/storage_key.h"

namespace lode::chain {

/// What one validator has set on the chain.
struct ValidatorWeights {
  int uid = 0;
  std::uint64_t last_update = 0;  ///< block
  Weights weights;
};

/// How alike a validator's weights are to the others'.
struct WeightHint {
  int uid = 0;
  int nearest_uid = 0;        ///< the other validator with the most similar weights
  double nearest_cosine = 0;  ///< 0 to 1
  double mean_cosine = 0;     ///< over all others
  bool looks_copied = false;  ///< as good as equal to the nearest one's, and set after them
  std::string text;           ///< one line with these numbers
};

/// Validators rank the same miners, so honest weights are alike: two independent rankings of 256
/// miners have a cosine near 0.92, closely agreeing ones 0.99. Copies differ by rounding to 16
/// bits.
inline constexpr double kCopyCosine = 0.9999;

/// One hint for each validator that has set weights, in their order; none when fewer than two have.
std::vector<WeightHint> weight_hints(const std::vector<ValidatorWeights>& validators);

}  // namespace lode::chain
