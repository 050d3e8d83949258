// A file's bytes in memory without a copy.
#pragma once

#include <cstddef>
#include <filesystem>

#include "base/bytes.h"

namespace lode {

/// A regular file mapped for reading; unmapped with this object, so views of its bytes must not
/// outlive it. For files of whoever runs the program: a page that another process cuts off while it
/// is mapped ends ours with SIGBUS, where read_file would only see a shorter file.
class MappedFile {
 public:
  /// Errors as of read_file.
  static Result<MappedFile> open(const std::filesystem::path& path, std::size_t max_bytes);

  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  ByteView bytes() const { return bytes_; }

 private:
  explicit MappedFile(ByteView bytes) : bytes_(bytes) {}
  void unmap();

  ByteView bytes_;
};

}  // namespace lode
