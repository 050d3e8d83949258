#include "base/file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/file_internal.h"

namespace lode {

Errc kind_of_errno(int number) {
  switch (number) {
    case ENOENT:
      return Errc::not_found;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:  // a limit on file sizes, as a shell's ulimit sets
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return Errc::out_of_resource;
    default:
      return Errc::io_failure;
  }
}

Error system_error(const std::filesystem::path& path, const char* doing) {
  const int number = errno;
  return fail(kind_of_errno(number), path.string() + ": " + doing + ": " + std::strerror(number));
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

Result<std::size_t> read_file_into(const std::filesystem::path& path, std::size_t max_bytes,
                                   const PrepareRead& prepare) {
  // Non-blocking, because opening a pipe would wait for a writer before it can be refused.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) {
    return system_error(path, "open");
  }
  LODE_CHECK(checked_size(file, path, max_bytes));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) {
    return system_error(path, "stat");
  }
  LODE_TRY(const std::span<std::uint8_t> out, prepare(status));
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = ::read(file.get(), out.data() + done, out.size() - done);
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
  return done;
}

Result<Bytes> read_file(const std::filesystem::path& path, std::size_t max_bytes) {
  Bytes bytes;
  const auto done = read_file_into(
      path, max_bytes, [&](const struct stat& status) -> Result<std::span<std::uint8_t>> {
        bytes.resize(static_cast<std::size_t>(status.st_size));
        return std::span<std::uint8_t>(bytes);
      });
  if (!done) {
    return done.error();
  }
  bytes.resize(*done);
  return bytes;
}

namespace {

/// A new file beside `path`, under a name that nobody could have prepared: `name` receives it.
int create_beside(const std::filesystem::path& path, unsigned mode, std::filesystem::path& name) {
  for (int attempt = 0; attempt < 16; ++attempt) {
    std::uint64_t random = 0;
    if (::getrandom(&random, sizeof(random), 0) != sizeof(random)) {
      return -1;
    }
    name = path;
    name += ".part" + std::to_string(random);
    const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd >= 0 || errno != EEXIST) {
      return fd;
    }
  }
  return -1;
}

Result<void> write_all(const Descriptor& file, const std::filesystem::path& path, ByteView bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t put = ::write(file.get(), bytes.data() + done, bytes.size() - done);
    if (put < 0 && errno == EINTR) {
      continue;
    }
    if (put < 0) {
      return system_error(path, "write");
    }
    done += static_cast<std::size_t>(put);
  }
  return {};
}

/// Gives a finished temporary file its name.
using Publish = Result<void> (*)(const std::filesystem::path& temporary,
                                 const std::filesystem::path& path);

Result<void> publish_over(const std::filesystem::path& temporary,
                          const std::filesystem::path& path) {
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    return system_error(path, "rename");
  }
  return {};
}

Result<void> publish_new(const std::filesystem::path& temporary,
                         const std::filesystem::path& path) {
  if (::link(temporary.c_str(), path.c_str()) != 0) {
    if (errno == EEXIST) {
      return fail(Errc::invalid_input, path.string() + ": exists already");
    }
    return system_error(path, "link");
  }
  ::unlink(temporary.c_str());
  return {};
}

Result<void> write_parts(const Descriptor& file, const std::filesystem::path& path,
                         std::span<const ByteView> parts) {
  for (const ByteView part : parts) {
    LODE_CHECK(write_all(file, path, part));
  }
  if (::fsync(file.get()) != 0) {
    return system_error(path, "flush");
  }
  return {};
}

Result<void> write_and_publish(const std::filesystem::path& path, std::span<const ByteView> parts,
                               unsigned mode, Publish publish) {
  std::filesystem::path temporary;
  const Descriptor file(create_beside(path, mode, temporary));
  if (file.get() < 0) {
    return system_error(path, "create");
  }
  Result<void> written = write_parts(file, path, parts);
  if (written) {
    written = publish(temporary, path);
  }
  if (!written) {
    ::unlink(temporary.c_str());
  }
  return written;
}

}  // namespace

Result<void> write_file(const std::filesystem::path& path, ByteView bytes, unsigned mode) {
  return write_and_publish(path, {&bytes, 1}, mode, publish_over);
}

Result<void> write_file_parts(const std::filesystem::path& path, std::span<const ByteView> parts,
                              unsigned mode) {
  return write_and_publish(path, parts, mode, publish_over);
}

Result<void> write_new_file(const std::filesystem::path& path, ByteView bytes, unsigned mode) {
  return write_and_publish(path, {&bytes, 1}, mode, publish_new);
}

}  // namespace lode
