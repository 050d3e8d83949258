#include "nn/memory_plan.h"

#include <c10/core/ScalarType.h>

#include <algorithm>
#include <array>
#include <utility>

namespace lode::nn {

std::uint64_t bytes_of(const Parameter& parameter, const Placement& placement) {
  const auto count = static_cast<std::uint64_t>(parameter.count());
  if (parameter.kind() == ParameterKind::matrix && placement.format != WeightFormat::native) {
    return count + sizeof(float) * static_cast<std::uint64_t>(parameter.shape()[0]);
  }
  return count * c10::elementSize(placement.compute);
}

std::uint64_t bytes_of(const Block& block, const Placement& placement) {
  std::uint64_t total = 0;
  for (const Parameter* parameter : block.parameters) {
    total += bytes_of(*parameter, placement);
  }
  return total;
}

WeightBytes weight_bytes(std::span<const Block> blocks, const Placement& placement) {
  WeightBytes weights;
  for (const Block& block : blocks) {
    const std::uint64_t bytes = bytes_of(block, placement);
    weights.all_bytes += bytes;
    weights.least_bytes = std::max(weights.least_bytes, bytes);
  }
  return weights;
}

Result<MemoryPlan> plan_memory(std::span<const Block> blocks, const Placement& placement) {
  MemoryPlan plan;
  for (const Block& block : blocks) {
    const std::uint64_t bytes = bytes_of(block, placement);
    plan.blocks.push_back({block.name, bytes, true});
    plan.total_bytes += bytes;
    if (bytes > plan.least_bytes) {
      plan.least_bytes = bytes;
      plan.largest_block = block.name;
    }
  }
  const std::uint64_t budget = placement.memory_budget_bytes.value_or(plan.total_bytes);
  if (plan.total_bytes <= budget) {
    plan.resident_bytes = plan.peak_bytes = plan.total_bytes;
    return plan;
  }
  if (plan.least_bytes > budget) {
    return fail(Errc::out_of_resource,
                "block " + plan.largest_block + " needs " + format_bytes(plan.least_bytes) +
                    "; --memory must be at least that, not " + format_bytes(budget));
  }
  plan.is_double_buffered = budget / 2 >= plan.least_bytes;
  const std::uint64_t room = plan.least_bytes * (plan.is_double_buffered ? 2 : 1);
  for (MemoryPlan::Entry& entry : plan.blocks) {
    entry.is_resident = plan.resident_bytes + entry.bytes <= budget - room;
    plan.resident_bytes += entry.is_resident ? entry.bytes : 0;
  }
  std::array<std::uint64_t, 2> largest_streamed = {};
  for (const MemoryPlan::Entry& entry : plan.blocks) {
    if (!entry.is_resident && entry.bytes > largest_streamed[1]) {
      largest_streamed[1] = entry.bytes;
      std::ranges::sort(largest_streamed, std::greater<>());
    }
  }
  plan.peak_bytes =
      std::min(budget, plan.resident_bytes + largest_streamed[0] + largest_streamed[1]);
  return plan;
}

std::string format_bytes(std::uint64_t bytes) {
  constexpr std::array<std::pair<std::uint64_t, const char*>, 3> kUnits = {
      {{1'000'000'000, " GB"}, {1'000'000, " MB"}, {1'000, " kB"}}};
  for (const auto& [unit, name] : kUnits) {
    if (bytes >= unit) {
      // Three digits: a tenth below a hundred.
      const std::uint64_t tenths = (bytes + unit / 10 - 1) / (unit / 10);
      if (tenths >= 1000 || tenths % 10 == 0) {
        return std::to_string((bytes + unit - 1) / unit) + name;
      }
      return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + name;
    }
  }
  return std::to_string(bytes) + " bytes";
}

}  // namespace lode::nn
