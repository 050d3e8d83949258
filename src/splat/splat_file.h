// Splat files by name: format by content when reading, by extension when writing.
#pragma once

#include <filesystem>
#include <string_view>

#include "splat/cloud.h"
#include "splat/spz.h"

namespace lode::splat {

enum class FileFormat { ply, spz_zstd, spz_gzip, spz_v4 };

/// "ply" or "spz".
std::string_view name_of(FileFormat format);

/// The container of an SPZ, "zstd", "gzip" or "v4"; empty for a PLY.
std::string_view container_of(FileFormat format);

struct SplatFile {
  GaussianCloud cloud;
  FileFormat format = FileFormat::ply;
  std::size_t bytes = 0;  ///< size of the file
};

/// Reads a PLY or SPZ file, told apart by their first bytes. Errors name the file.
Result<SplatFile> read_splat(const std::filesystem::path& path);

/// Writes `.ply`, `.spz` as `spz` says, or for viewers `.compressed.ply` and `.splat`, which are
/// not read back. Another extension is Errc::invalid_input. Returns the size of the file.
Result<std::size_t> write_splat(const std::filesystem::path& path, const GaussianCloud& cloud,
                                const SpzOptions& spz = {});

}  // namespace lode::splat
