// Networks that run one after the other on one device, their weights coming and going by a plan.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "nn/residency.h"
#include "nn/turn_plan.h"

namespace lode::nn {

/// The networks' parameters must outlive it. One turn at a time.
class Turns {
 public:
  /// Takes part from now on, under the number of those before it. `placement` without a budget.
  void add(WeightBank bank, std::vector<Block> blocks, const Placement& placement);

  std::size_t size() const { return members_.size(); }
  const WeightBank& bank(std::size_t index) const { return members_[index].bank; }
  WeightBytes weights(std::size_t index) const;

  /// The network's weights, to follow its passes; those of others that do not stay are dropped
  /// first. Errors as of Residency::create; the passes throw Cancelled after `stop`.
  Result<Residency*> enter(std::size_t index, std::span<const Turn> plan,
                           const std::stop_token& stop);
  /// Its passes are over: drops it unless it stays. The most bytes that it had at once.
  std::uint64_t leave(std::size_t index, std::span<const Turn> plan);

  /// Drops those that do not stay: after an error, where leave() was not come to.
  void settle(std::span<const Turn> plan);
  void drop_all();

 private:
  struct Member {
    WeightBank bank;
    std::vector<Block> blocks;
    Placement placement;
    std::unique_ptr<Residency> residency;
    std::optional<std::uint64_t> budget_bytes;
  };

  std::vector<Member> members_;
};

}  // namespace lode::nn
