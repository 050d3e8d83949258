// How much memory a network's weights take, and which of them stay in it: worked out from names and
// shapes alone.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "nn/parameter.h"
#include "nn/quantised.h"
#include "nn/turn_plan.h"

namespace lode::nn {

/// Where weights live and what as.
struct Placement {
  c10::Device device = c10::kCPU;
  c10::ScalarType compute = c10::ScalarType::Float;  ///< float32, bfloat16 or float16
  WeightFormat format = WeightFormat::native;        ///< of matrices
  /// Most bytes of weights on the device at any time; none: all that it has.
  std::optional<std::uint64_t> memory_budget_bytes;
};

/// What a parameter takes where it is placed.
std::uint64_t bytes_of(const Parameter& parameter, const Placement& placement);
std::uint64_t bytes_of(const Block& block, const Placement& placement);
/// All of these blocks', and the largest's.
WeightBytes weight_bytes(std::span<const Block> blocks, const Placement& placement);

/// Who stays and who comes and goes within a budget.
struct MemoryPlan {
  struct Entry {
    std::string name;  ///< the block's
    std::uint64_t bytes = 0;
    bool is_resident = false;  ///< stays once loaded; else loaded on each visit
  };
  std::vector<Entry> blocks;
  std::uint64_t total_bytes = 0;
  std::uint64_t resident_bytes = 0;
  /// The largest sum that is loaded at once: what a run really needs.
  std::uint64_t peak_bytes = 0;
  /// The smallest budget that any plan for these blocks needs: the largest block.
  std::uint64_t least_bytes = 0;
  std::string largest_block;
  /// Whether a block may be loaded while another is computed with.
  bool is_double_buffered = false;
};

/// Blocks in the order in which they are wanted in memory. Without a budget, or within it, all
/// stay. Otherwise room is kept for the largest block twice (once where that is all there is), and
/// the rest filled with blocks in their order as they fit.
///
/// Errc::out_of_resource where not even the largest block fits: the text names it and the least
/// budget.
Result<MemoryPlan> plan_memory(std::span<const Block> blocks, const Placement& placement);

/// "680 MB", "23.8 GB": for people, in powers of ten, rounded up, so that a budget of what is read
/// suffices.
std::string format_bytes(std::uint64_t bytes);

}  // namespace lode::nn
