#include "nn/turn_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "nn/memory_plan.h"

namespace lode::nn {

namespace {

using Kept = std::vector<bool>;

std::uint64_t kept_bytes(std::span<const TurnDemand> demands, const Kept& kept) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < demands.size(); ++i) {
    total += kept[i] ? demands[i].weights.all_bytes : 0;
  }
  return total;
}

// Whether everybody can have all its weights while those of `kept` stay.
bool all_fit(std::span<const TurnDemand> demands, const Kept& kept, std::uint64_t budget) {
  for (std::size_t i = 0; i < demands.size(); ++i) {
    const std::uint64_t own = kept[i] ? 0 : demands[i].weights.all_bytes;
    if (kept_bytes(demands, kept) + own + demands[i].activation_bytes > budget) {
      return false;
    }
  }
  return true;
}

Result<void> check_least(std::span<const TurnDemand> demands, std::uint64_t budget) {
  const auto least = [](const TurnDemand& demand) {
    return demand.weights.least_bytes + demand.activation_bytes;
  };
  const auto largest = std::ranges::max_element(demands, {}, least);
  if (largest == demands.end() || least(*largest) <= budget) {
    return {};
  }
  return fail(Errc::out_of_resource,
              fmt::format("{} needs {} for its largest block and its activations: raise the "
                          "memory budget of {}, or ask for a smaller picture",
                          largest->name, format_bytes(least(*largest)), format_bytes(budget)));
}

}  // namespace

Result<std::vector<Turn>> plan_turns(std::span<const TurnDemand> demands,
                                     std::span<const std::vector<std::size_t>> favourites,
                                     std::optional<std::uint64_t> budget_bytes) {
  std::vector<Turn> turns(demands.size());
  if (!budget_bytes) {
    std::ranges::for_each(turns, [](Turn& turn) { turn.stays = true; });
    return turns;
  }
  LODE_CHECK(check_least(demands, *budget_bytes));
  std::vector<Kept> choices = {Kept(demands.size(), true)};
  for (const std::vector<std::size_t>& indices : favourites) {
    choices.emplace_back(demands.size(), false);
    std::ranges::for_each(indices, [&](std::size_t index) { choices.back()[index] = true; });
  }
  const auto chosen = std::ranges::find_if(
      choices, [&](const Kept& kept) { return all_fit(demands, kept, *budget_bytes); });
  const Kept kept = chosen == choices.end() ? Kept(demands.size(), false) : *chosen;
  for (std::size_t i = 0; i < demands.size(); ++i) {
    turns[i].stays = kept[i];
    const std::uint64_t others =
        kept_bytes(demands, kept) - (kept[i] ? demands[i].weights.all_bytes : 0);
    turns[i].budget_bytes = *budget_bytes - demands[i].activation_bytes - others;
  }
  return turns;
}

}  // namespace lode::nn
