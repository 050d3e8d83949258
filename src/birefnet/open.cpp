#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <system_error>

#include "base/file.h"
#include "birefnet/open_internal.h"
#include "nn/device.h"

namespace lode::birefnet {

namespace {

using models::PatchOrder;

// The published birefnet.py has 90 kB.
constexpr std::size_t kMaxSourceBytes = 4 << 20;

struct Known {
  PatchOrder order;
  std::string told_by;
};

/// The code stored beside weights, or nothing.
std::string source_beside(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "birefnet.py";
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) {
    return {};
  }
  const auto bytes = read_file(file, kMaxSourceBytes);
  return bytes ? std::string(bytes->begin(), bytes->end()) : std::string();
}

Result<Known> patch_order_of(const std::filesystem::path& folder,
                             const weights::Checkpoint& checkpoint, Patches asked) {
  if (asked != Patches::automatic) {
    return Known{asked == Patches::tile_major ? PatchOrder::tile_major : PatchOrder::channel_major,
                 "as asked"};
  }
  if (const auto order = models::patch_order_in_weights(checkpoint)) {
    return Known{*order, "by the weights"};
  }
  if (const auto order = models::patch_order_in_source(source_beside(folder))) {
    return Known{*order, "by the birefnet.py beside the weights"};
  }
  return fail(
      Errc::invalid_input,
      fmt::format("{}: neither the weights nor a birefnet.py beside them tells the order of "
                  "patches, so it has to be said: tile_major (RMBG-2.0, and BiRefNet "
                  "trained before November 2024) or channel_major (later)",
                  folder.string()));
}

std::string backbone_of(const models::SwinConfig& config) {
  struct Published {
    const char* name;
    models::SwinConfig config;
  };
  const std::array<Published, 4> all = {{{"Swin-T", {96, {2, 2, 6, 2}, {3, 6, 12, 24}, 7}},
                                         {"Swin-S", {96, {2, 2, 18, 2}, {3, 6, 12, 24}, 7}},
                                         {"Swin-B", {128, {2, 2, 18, 2}, {4, 8, 16, 32}, 12}},
                                         {"Swin-L", {192, {2, 2, 18, 2}, {6, 12, 24, 48}, 12}}}};
  for (const Published& published : all) {
    const models::SwinConfig& other = published.config;
    if (config.width == other.width && config.depths == other.depths &&
        config.heads == other.heads && config.window == other.window) {
      return published.name;
    }
  }
  return fmt::format("Swin of width {}, depths {}", config.width, fmt::join(config.depths, ", "));
}

Result<nn::Placement> placement_for(const BirefnetOptions& options) {
  nn::Placement placement;
  LODE_TRY(placement.device, nn::parse_device(options.device));
  placement.memory_budget_bytes = options.memory_budget_bytes;
  LODE_TRY(placement.compute,
           nn::compute_type(options.compute, placement.device, c10::ScalarType::Half));
  return placement;
}

}  // namespace

Result<Opened> open_folder(const std::filesystem::path& folder, const BirefnetOptions& options) {
  if (options.side &&
      (*options.side < kMultiple || *options.side > kMostSide || *options.side % kMultiple != 0)) {
    return fail(Errc::invalid_input, fmt::format("side {}: a multiple of {} up to {} expected",
                                                 *options.side, kMultiple, kMostSide));
  }
  LODE_TRY(const nn::Placement placement, placement_for(options));
  LODE_TRY(weights::Checkpoint checkpoint, weights::Checkpoint::open(folder));
  auto config = models::birefnet_config_of(checkpoint);
  if (!config) {
    return annotate(config.error(), folder.string());
  }
  LODE_TRY(const Known known, patch_order_of(folder, checkpoint, options.patches));
  config->patch_order = known.order;
  BirefnetDescription description;
  description.backbone = backbone_of(config->backbone);
  description.patch_order = known.order == PatchOrder::tile_major ? "tile_major" : "channel_major";
  description.told_by = known.told_by;
  return Opened{std::move(checkpoint), *config, placement, std::move(description)};
}

}  // namespace lode::birefnet
