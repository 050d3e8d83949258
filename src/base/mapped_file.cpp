#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <utility>

#include "base/file_internal.h"

namespace lode {

Result<MappedFile> MappedFile::open(const std::filesystem::path& path, std::size_t max_bytes) {
  // Non-blocking, because opening a pipe would wait for a writer before it can be refused.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) {
    return system_error(path, "open");
  }
  LODE_TRY(const std::size_t size, checked_size(file, path, max_bytes));
  if (size == 0) {
    return MappedFile({});  // which mmap refuses
  }
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (address == MAP_FAILED) {
    return system_error(path, "map");
  }
  return MappedFile({static_cast<const std::uint8_t*>(address), size});
}

MappedFile::~MappedFile() { unmap(); }

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  if (this != &other) {
    unmap();
    bytes_ = std::exchange(other.bytes_, {});
  }
  return *this;
}

void MappedFile::unmap() {
  if (!bytes_.empty()) {
    ::munmap(const_cast<std::uint8_t*>(bytes_.data()), bytes_.size());
  }
}

}  // namespace lode
