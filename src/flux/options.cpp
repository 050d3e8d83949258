#include "flux/options.h"

#include <fmt/format.h>

#include <algorithm>

#include "nn/memory_plan.h"

namespace lode::flux {

namespace {

constexpr std::size_t kTransformer = static_cast<std::size_t>(Part::transformer);
constexpr std::size_t kDecoder = static_cast<std::size_t>(Part::decoder);

using Kept = std::array<bool, kParts>;

std::uint64_t kept_bytes(const FluxDemand& demand, const Kept& kept) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < kParts; ++i) {
    total += kept[i] ? demand.weights[i].all_bytes : 0;
  }
  return total;
}

// Whether every part can have all its weights while those of `kept` stay.
bool all_fit(const FluxDemand& demand, const Kept& kept, std::uint64_t budget) {
  for (std::size_t i = 0; i < kParts; ++i) {
    const std::uint64_t own = kept[i] ? 0 : demand.weights[i].all_bytes;
    if (kept_bytes(demand, kept) + own + demand.activation_bytes[i] > budget) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::string_view to_string(Part part) {
  constexpr std::array<std::string_view, kParts> kNames = {"text_encoder", "text_encoder_2",
                                                           "transformer", "vae"};
  return kNames[static_cast<std::size_t>(part)];
}

Result<FluxPlan> plan_flux(const FluxDemand& asked, std::optional<std::uint64_t> budget_bytes) {
  FluxPlan plan;
  FluxDemand demand = asked;
  const std::uint64_t room =
      budget_bytes ? *budget_bytes - std::min(*budget_bytes, demand.weights[kDecoder].all_bytes)
                   : kUntiledDecoderBytes;
  plan.tiled_decoder = demand.activation_bytes[kDecoder] > std::min(room, kUntiledDecoderBytes);
  if (plan.tiled_decoder) {
    demand.activation_bytes[kDecoder] =
        std::min(demand.activation_bytes[kDecoder], demand.tiled_decoder_bytes);
  }
  if (!budget_bytes) {
    std::ranges::for_each(plan.parts, [](FluxPlan::Entry& entry) { entry.stays = true; });
    return plan;
  }
  std::uint64_t least = 0;
  std::size_t largest = 0;
  for (std::size_t i = 0; i < kParts; ++i) {
    const std::uint64_t needed = demand.weights[i].least_bytes + demand.activation_bytes[i];
    if (needed > least) {
      least = needed;
      largest = i;
    }
  }
  if (least > *budget_bytes) {
    return fail(Errc::out_of_resource,
                fmt::format("{} needs {} for its largest block and its activations: raise the "
                            "memory budget of {}, or ask for a smaller picture",
                            to_string(static_cast<Part>(largest)), nn::format_bytes(least),
                            nn::format_bytes(*budget_bytes)));
  }
  Kept kept{};
  const Kept all = {true, true, true, true};
  Kept transformer{};
  transformer[kTransformer] = true;
  if (all_fit(demand, all, *budget_bytes)) {
    kept = all;
  } else if (all_fit(demand, transformer, *budget_bytes)) {
    kept = transformer;
  }
  for (std::size_t i = 0; i < kParts; ++i) {
    plan.parts[i].stays = kept[i];
    const std::uint64_t others =
        kept_bytes(demand, kept) - (kept[i] ? demand.weights[i].all_bytes : 0);
    plan.parts[i].budget_bytes = *budget_bytes - demand.activation_bytes[i] - others;
  }
  return plan;
}

}  // namespace lode::flux
