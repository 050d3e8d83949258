#include "nn/turns.h"

#include <utility>

namespace lode::nn {

void Turns::add(WeightBank bank, std::vector<Block> blocks, const Placement& placement) {
  members_.push_back({std::move(bank), std::move(blocks), placement, nullptr, std::nullopt});
}

WeightBytes Turns::weights(std::size_t index) const {
  return weight_bytes(members_[index].blocks, members_[index].placement);
}

Result<Residency*> Turns::enter(std::size_t index, std::span<const Turn> plan,
                                const std::stop_token& stop) {
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (i != index && !plan[i].stays) {
      members_[i].residency.reset();
    }
  }
  Member& member = members_[index];
  const std::optional<std::uint64_t> budget = plan[index].budget_bytes;
  if (member.residency == nullptr || member.budget_bytes != budget) {
    member.residency.reset();
    Placement placement = member.placement;
    placement.memory_budget_bytes = budget;
    LODE_TRY(member.residency, Residency::create(member.bank, member.blocks, placement));
    member.budget_bytes = budget;
  }
  member.residency->set_stop(stop);
  return member.residency.get();
}

std::uint64_t Turns::leave(std::size_t index, std::span<const Turn> plan) {
  Member& member = members_[index];
  const std::uint64_t peak = member.residency->counts().peak_bytes;
  if (!plan[index].stays) {
    member.residency.reset();
  }
  return peak;
}

void Turns::settle(std::span<const Turn> plan) {
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (!plan[i].stays) {
      members_[i].residency.reset();
    }
  }
}

void Turns::drop_all() {
  for (Member& member : members_) {
    member.residency.reset();
  }
}

}  // namespace lode::nn
