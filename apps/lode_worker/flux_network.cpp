#include "lode_worker/flux_network.h"

#include <map>

namespace lode::commands {

flux::FluxOptions flux_options(const NetworkFlags& flags, const std::string& weights) {
  static const std::map<std::string, flux::Format> kFormats = {
      {"native", flux::Format::native}, {"int8", flux::Format::int8}, {"fp8", flux::Format::fp8}};
  flux::FluxOptions options;
  options.device = flags.device;
  options.compute = flags.compute();
  options.format = kFormats.at(weights);
  options.memory_budget_bytes = flags.memory_budget();
  return options;
}

}  // namespace lode::commands
