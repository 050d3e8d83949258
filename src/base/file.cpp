#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/file_internal.h"

namespace lode {

Error system_error(const std::filesystem::path& path, const char* doing) {
  const int number = errno;
  return fail(number == ENOENT ? Errc::not_found : Errc::io_failure,
              path.string() + ": " + doing + ": " + std::strerror(number));
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

Result<std::size_t> checked_size(const Descriptor& file, const std::filesystem::path& path,
                                 std::size_t max_bytes) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) {
    return system_error(path, "stat");
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(Errc::invalid_input, path.string() + ": not a regular file");
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size > max_bytes) {
    return fail(Errc::limit_exceeded, path.string() + ": " + std::to_string(size) +
                                          " bytes, at most " + std::to_string(max_bytes) +
                                          " are read");
  }
  return size;
}

Result<Bytes> read_file(const std::filesystem::path& path, std::size_t max_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    return system_error(path, "open");
  }
  LODE_TRY(const std::size_t size, checked_size(file, path, max_bytes));
  Bytes bytes(size);
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::read(file.get(), bytes.data() + done, size - done);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return system_error(path, "read");
    }
    if (got == 0) {
      break;  // the file shrank while we read it
    }
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

Result<void> write_file(const std::filesystem::path& path, ByteView bytes, unsigned mode) {
  std::filesystem::path temporary = path;
  temporary += ".part" + std::to_string(::getpid());
  {
    const Descriptor file(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (file.get() < 0) {
      return system_error(path, "create");
    }
    std::size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t put = ::write(file.get(), bytes.data() + done, bytes.size() - done);
      if (put < 0 && errno == EINTR) {
        continue;
      }
      if (put < 0) {
        const Error error = system_error(path, "write");
        ::unlink(temporary.c_str());
        return error;
      }
      done += static_cast<std::size_t>(put);
    }
    if (::fsync(file.get()) != 0) {
      const Error error = system_error(path, "flush");
      ::unlink(temporary.c_str());
      return error;
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const Error error = system_error(path, "rename");
    ::unlink(temporary.c_str());
    return error;
  }
  return {};
}

}  // namespace lode
