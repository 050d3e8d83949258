#include "flux/options.h"

#include <algorithm>
#include <vector>

namespace lode::flux {

namespace {

const std::vector<std::size_t> kTransformer = {static_cast<std::size_t>(Part::transformer)};
constexpr std::size_t kDecoder = static_cast<std::size_t>(Part::decoder);

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
  std::vector<nn::TurnDemand> demands;
  for (std::size_t i = 0; i < kParts; ++i) {
    demands.push_back({std::string(to_string(static_cast<Part>(i))), demand.weights[i],
                       demand.activation_bytes[i]});
  }
  LODE_TRY(const std::vector<nn::Turn> turns,
           nn::plan_turns(demands, {&kTransformer, 1}, budget_bytes));
  std::ranges::copy(turns, plan.parts.begin());
  return plan;
}

}  // namespace lode::flux
