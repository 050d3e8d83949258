// The blacklist as a file that an operator edits while the miner runs.
#pragma once

#include <filesystem>
#include <vector>

#include "base/result.h"
#include "miner/config.h"

namespace lode::miner {

/// Reads TOML:
///
///   [[blacklist]]
///   uid = 180                 # or: hotkey = "5F..."
///   reason = "copies weights"
///
/// Every entry needs exactly one of uid and hotkey. Errors name the file, the entry and the field.
Result<std::vector<BlacklistEntry>> read_blacklist_file(const std::filesystem::path& path);

}  // namespace lode::miner
