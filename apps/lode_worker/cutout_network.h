// The network that `lode-worker cutout --model` asks, where this program was built with libtorch.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "cutout/matter.h"

namespace lode::commands {

/// As the command line has it.
struct NetworkArguments {
  std::string folder;  ///< of weights; empty: no network
  std::string device = "auto";
  std::string compute = "auto";      ///< or "f32", "bf16", "f16"
  double memory_gb = 0;              ///< of weights on the device, in 10^9 bytes; 0: all of them
  std::string patch_order = "auto";  ///< or "tile_major", "channel_major"
  int side = 1024;
  bool native = false;  ///< at the picture's own size instead of `side`
};

/// A matter over the folder's weights. Errors name the file, the field and what was expected;
/// Errc::unsupported where there is no libtorch.
Result<std::unique_ptr<cutout::Matter>> open_network(const NetworkArguments& arguments);

}  // namespace lode::commands
