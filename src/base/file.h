// Whole files, read with a bound and written atomically.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "base/bytes.h"

namespace lode {

/// The whole file. Errc::not_found when absent, limit_exceeded above `max_bytes` (checked before
/// any allocation), io_failure otherwise; each names the path.
Result<Bytes> read_file(const std::filesystem::path& path, std::size_t max_bytes);

/// Writes `bytes` so that a reader sees the old file or the new one, never a part: a temporary
/// file beside it, flushed to disk, then renamed. `mode` are the POSIX permission bits.
Result<void> write_file(const std::filesystem::path& path, ByteView bytes, unsigned mode = 0644);

}  // namespace lode
