#include "lode_worker/cutout_network.h"

#if LODE_HAS_TORCH

#include <map>

#include "birefnet/birefnet_matter.h"

namespace lode::commands {

Result<std::unique_ptr<cutout::Matter>> open_network(const NetworkArguments& arguments) {
  using birefnet::Compute;
  using birefnet::Patches;
  static const std::map<std::string, Compute> kComputes = {{"auto", Compute::automatic},
                                                           {"f32", Compute::float32},
                                                           {"bf16", Compute::bfloat16},
                                                           {"f16", Compute::float16}};
  static const std::map<std::string, Patches> kPatches = {
      {"auto", Patches::automatic},
      {"tile_major", Patches::tile_major},
      {"channel_major", Patches::channel_major}};
  birefnet::BirefnetOptions options;
  options.device = arguments.device;
  options.compute = kComputes.at(arguments.compute);
  options.patches = kPatches.at(arguments.patch_order);
  if (arguments.memory_gb > 0) {
    options.memory_budget_bytes = static_cast<std::uint64_t>(arguments.memory_gb * 1e9);
  }
  options.side = arguments.side;
  if (arguments.native) {
    options.side.reset();
  }
  LODE_TRY(std::unique_ptr<cutout::Matter> matter,
           birefnet::BirefnetMatter::open(arguments.folder, options));
  return matter;
}

}  // namespace lode::commands

#else

namespace lode::commands {

Result<std::unique_ptr<cutout::Matter>> open_network(const NetworkArguments& arguments) {
  return fail(Errc::unsupported,
              arguments.folder + ": this lode-worker was built without libtorch");
}

}  // namespace lode::commands

#endif
