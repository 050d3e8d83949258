#include "chain/secret_bytes.h"

#include <sodium.h>

#include <algorithm>
#include <new>
#include <utility>

#include "base/assert.h"

namespace lode::chain {

SecretBytes::SecretBytes(std::size_t size) : size_(size) {
  static const int status = sodium_init();
  LODE_ASSERT(status >= 0, "libsodium cannot initialise");
  if (size == 0) {
    return;
  }
  data_ = static_cast<std::uint8_t*>(sodium_malloc(size));
  if (data_ == nullptr) {
    throw std::bad_alloc();
  }
  std::fill_n(data_, size, std::uint8_t{0});
}

SecretBytes SecretBytes::copy_of(ByteView bytes) {
  SecretBytes copy(bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.data_);
  return copy;
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

SecretBytes::~SecretBytes() { sodium_free(data_); }

void SecretBytes::truncate(std::size_t size) {
  LODE_ASSERT(size <= size_, "a buffer only shrinks");
  if (data_ != nullptr) {
    sodium_memzero(data_ + size, size_ - size);
  }
  size_ = size;
}

}  // namespace lode::chain
