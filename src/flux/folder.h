// What a folder of FLUX weights holds, without loading any.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace lode::flux {

/// One network of the folder.
struct FluxPartReport {
  std::string name;     ///< its folder: "transformer"
  std::string network;  ///< what it is: "FluxTransformer2DModel"
  std::uint64_t parameters = 0;
  std::uint64_t tensors = 0;
  std::string stored_types;  ///< "BF16", or several with commas
  std::uint64_t stored_bytes = 0;
  /// All of it on a device; 8 bits of its matrices over bfloat16 of the rest.
  std::uint64_t float32_bytes = 0, bfloat16_bytes = 0, int8_bytes = 0;
  /// The block that bounds a memory budget from below, and its bytes in bfloat16.
  std::string largest_block;
  std::uint64_t largest_block_bytes = 0;
};

struct FluxFolder {
  std::vector<FluxPartReport> parts;  ///< in the order of their work, those that could be described
  bool guidance = false;              ///< "dev": takes a guidance scale
  /// Activations for one picture of 1024 x 1024 in bfloat16, an estimate.
  std::uint64_t activation_bytes = 0;
  /// The least memory budget for that picture, in bfloat16 and with int8 matrices.
  std::uint64_t least_bfloat16_bytes = 0, least_int8_bytes = 0;
  /// Everything that is missing or wrong, each naming its file; empty for a folder that runs.
  std::vector<std::string> problems;
};

/// Reads configs and the headers of weight files, never a weight. Errors are for what is no folder
/// of FLUX at all (model_index.json missing or of another pipeline); everything else is a problem
/// in the report.
Result<FluxFolder> inspect(const std::filesystem::path& folder);

}  // namespace lode::flux
