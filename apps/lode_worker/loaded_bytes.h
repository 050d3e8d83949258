// How much memory the weights in a folder take once they are loaded.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/result.h"
#include "lode_worker/network_flags.h"

namespace lode::commands {

/// An upper bound, from names and shapes: the weights of a file or of a folder and its subfolders
/// in the type that is computed in. At most the memory budget, within which every network runs.
/// Errors as of weights::Checkpoint::open for damaged files, and of nn::parse_device.
Result<std::uint64_t> loaded_bytes(const std::filesystem::path& path, const NetworkFlags& flags);

}  // namespace lode::commands
