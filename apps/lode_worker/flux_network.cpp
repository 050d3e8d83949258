#include "lode_worker/flux_network.h"

#include <map>

namespace lode::commands {

flux::FluxOptions flux_options(const NetworkFlags& flags, const std::string& weights) {
  static const std::map<std::string, flux::Compute> kTypes = {{"auto", flux::Compute::automatic},
                                                              {"f32", flux::Compute::float32},
                                                              {"bf16", flux::Compute::bfloat16}};
  static const std::map<std::string, flux::Format> kFormats = {
      {"native", flux::Format::native}, {"int8", flux::Format::int8}, {"fp8", flux::Format::fp8}};
  flux::FluxOptions options;
  options.device = flags.device;
  options.compute = kTypes.at(flags.dtype);
  options.format = kFormats.at(weights);
  options.memory_budget_bytes = flags.memory_budget();
  return options;
}

}  // namespace lode::commands
