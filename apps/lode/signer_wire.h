// What lode signer and its clients say to each other on a Unix socket.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <utility>

#include "base/result.h"

namespace lode::commands {

// Each request is a u32 length (little-endian), then that many bytes: one of these kinds, then
// nothing or the text to sign. Each answer is a u32 length, then a status byte, then an address, a
// signature of 64 bytes, or the reason of the refusal.
enum class SignerRequest : std::uint8_t { address = 0, sign = 1 };
enum class SignerStatus : std::uint8_t { done = 0, refused = 1 };

inline constexpr std::size_t kSignerHeaderBytes = sizeof(std::uint32_t);

/// An open descriptor, closed when it goes.
class OwnedFd {
 public:
  explicit OwnedFd(int fd = -1) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~OwnedFd() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

/// The address of a socket's path. Errc::invalid_input where the path is too long for one.
Result<sockaddr_un> socket_address(const std::filesystem::path& path);

/// Whether the peer of a connected socket runs as this user or as root.
bool is_peer_trusted(int fd);

}  // namespace lode::commands
