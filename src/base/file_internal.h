// What the two ways of reading a file share.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace lode {

/// What kind of failure an errno is.
Errc kind_of_errno(int number);

/// The error of the system call that has just failed on `path`.
Error system_error(const std::filesystem::path& path, const char* doing);

/// Closes a file when it goes out of scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

/// The size of an open regular file of at most `max_bytes`; errors as of read_file.
Result<std::size_t> checked_size(const Descriptor& file, const std::filesystem::path& path,
                                 std::size_t max_bytes);

}  // namespace lode
