// The network that `lode-worker cutout --model` asks, where this program was built with libtorch.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "cutout/matter.h"
#include "lode_worker/network_flags.h"

namespace lode::commands {

/// As the command line has it.
struct CutoutNetwork {
  std::string folder;  ///< of weights; empty: no network
  NetworkFlags flags;
  std::string patch_order = "auto";  ///< or "tile_major", "channel_major"
  int side = 1024;
  bool native = false;  ///< at the picture's own size instead of `side`
};

/// A matter over the folder's weights. Errors name the file, the field and what was expected;
/// Errc::unsupported where there is no libtorch.
Result<std::unique_ptr<cutout::Matter>> open_network(const CutoutNetwork& network);

}  // namespace lode::commands
