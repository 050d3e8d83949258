// Which of several networks that run one after the other keep their weights on the device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace lode::nn {

/// A network's weights as held on a device.
struct WeightBytes {
  std::uint64_t all_bytes = 0;
  std::uint64_t least_bytes = 0;  ///< what has to be there at once: the largest block
};

/// What one of the networks needs.
struct TurnDemand {
  std::string name;  ///< for errors
  WeightBytes weights;
  std::uint64_t activation_bytes = 0;  ///< of its forward pass
};

/// What one of them gets.
struct Turn {
  bool stays = false;  ///< also while others run, and after
  /// Most bytes of its weights at once, blocks beyond that being streamed; nothing: all.
  std::optional<std::uint64_t> budget_bytes;
};

/// Everybody stays if everything fits; else the first of `favourites` (indices each) beside which
/// nobody has to stream; else each has the budget to itself and goes when it is done.
/// Errc::out_of_resource names the network that needs most and the least budget that would do.
Result<std::vector<Turn>> plan_turns(std::span<const TurnDemand> demands,
                                     std::span<const std::vector<std::size_t>> favourites,
                                     std::optional<std::uint64_t> budget_bytes);

}  // namespace lode::nn
