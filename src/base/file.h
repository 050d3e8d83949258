// Whole files, read with a bound and written atomically.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>

#include "base/bytes.h"

namespace lode {

/// The whole file. Errc::not_found when absent, limit_exceeded above `max_bytes` (checked before
/// any allocation), io_failure otherwise; each names the path.
Result<Bytes> read_file(const std::filesystem::path& path, std::size_t max_bytes);

/// Looks at an open file and gives the memory for its first bytes, or an objection to reading it.
using PrepareRead = std::function<Result<std::span<std::uint8_t>>(const struct ::stat& status)>;

/// As read_file, into the caller's memory; returns how many bytes were read. What `prepare` sees is
/// the file that is read, whatever happens to its name meanwhile.
Result<std::size_t> read_file_into(const std::filesystem::path& path, std::size_t max_bytes,
                                   const PrepareRead& prepare);

/// Writes `bytes` so that a reader sees the old file or the new one, never a part: a temporary
/// file beside it, created exclusively and with `mode` (POSIX permission bits) from the start,
/// flushed to disk, then renamed. Errc::out_of_resource when the disk or a quota is full.
Result<void> write_file(const std::filesystem::path& path, ByteView bytes, unsigned mode = 0644);

/// As write_file, with the parts one after the other: for files too large to be put together first.
Result<void> write_file_parts(const std::filesystem::path& path, std::span<const ByteView> parts,
                              unsigned mode = 0644);

/// As write_file, but where something has the name already (a dangling link, too) it stays as it is
/// and the answer is Errc::invalid_input.
Result<void> write_new_file(const std::filesystem::path& path, ByteView bytes,
                            unsigned mode = 0644);

}  // namespace lode
