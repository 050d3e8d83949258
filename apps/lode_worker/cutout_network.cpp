#include "lode_worker/cutout_network.h"

#include <map>

#include "birefnet/birefnet_matter.h"

namespace lode::commands {

Result<std::unique_ptr<cutout::Matter>> open_network(const CutoutNetwork& network) {
  using birefnet::Patches;
  static const std::map<std::string, Patches> kPatches = {
      {"auto", Patches::automatic},
      {"tile_major", Patches::tile_major},
      {"channel_major", Patches::channel_major}};
  birefnet::BirefnetOptions options;
  options.device = network.flags.device;
  options.compute = network.flags.compute();
  options.memory_budget_bytes = network.flags.memory_budget();
  options.patches = kPatches.at(network.patch_order);
  options.side = network.side;
  if (network.native) {
    options.side.reset();
  }
  LODE_TRY(std::unique_ptr<cutout::Matter> matter,
           birefnet::BirefnetMatter::open(network.folder, options));
  return matter;
}

}  // namespace lode::commands
