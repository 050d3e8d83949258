// Is a checkpoint whole: the values of its tensors, and the digest of its files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "weights/checkpoint.h"

namespace lode::weights {

/// What a tensor's values look like. min, max and rms are over the finite values, and 0 where there
/// are none.
struct TensorHealth {
  std::string name;
  std::uint64_t elements = 0;
  std::uint64_t non_finite = 0;  ///< NaN and infinite; a trained weight is never either
  double min = 0, max = 0;
  double rms = 0;  ///< root of the mean square
};

/// Reads every element. `tensor.bytes` are what its shape and type ask for, as a Checkpoint's are.
TensorHealth check_values(const StoredTensor& tensor);

/// Hears of bytes hashed so far and of the file's size, after each piece of a few MiB.
using HashProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

/// The SHA-256 of a file as 64 lowercase hex digits, as `sha256sum` prints it; memory use is small
/// whatever the size. Errc::cancelled when `stop` asks so, Errc::not_found for no file,
/// Errc::invalid_input for what is no regular file, Errc::io_failure otherwise.
Result<std::string> sha256_of_file(const std::filesystem::path& path,
                                   const HashProgress& progress = {},
                                   const std::stop_token& stop = {});

}  // namespace lode::weights
