#include "lode/remote_signer.h"

#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <thread>

#include "chain/keypair.h"
#include "lode/signer_wire.h"

namespace lode::commands {
namespace {

constexpr int kTimeoutSeconds = 5;
constexpr std::chrono::milliseconds kPauseBetweenAttempts(50);
constexpr std::uint32_t kMaxAnswerBytes = 1024;

class RemoteSigner final : public chain::Signer {
 public:
  explicit RemoteSigner(std::filesystem::path path) : path_(std::move(path)) {}

  Result<void> open() {
    LODE_CHECK(connect());
    LODE_TRY(ss58_, ask(SignerRequest::address, {}));
    const auto key = chain::ss58_decode(ss58_);
    if (!key) {
      return annotate(key.error(), path_.string());
    }
    public_key_ = *key;
    return {};
  }

  const std::string& ss58() const override { return ss58_; }

  chain::Signature sign_message(ByteView message) const override {
    auto answer = ask(SignerRequest::sign, message);
    if (!answer && answer.error().code == Errc::io_failure) {
      if (const auto connected = connect_again(); !connected) {
        throw std::runtime_error(connected.error().message());
      }
      answer = ask(SignerRequest::sign, message);
    }
    if (!answer) {
      throw std::runtime_error(answer.error().message());
    }
    chain::Signature signature{};
    if (answer->size() == signature.size()) {
      std::copy(answer->begin(), answer->end(), signature.begin());
    }
    if (!chain::verify(public_key_, message, signature)) {
      throw std::runtime_error(path_.string() + ": the signer's signature does not hold");
    }
    return signature;
  }

 private:
  Error failed(const char* doing) const {
    return fail(Errc::io_failure, path_.string() + ": " + doing + ": " + std::strerror(errno));
  }

  Result<void> connect() const {
    LODE_TRY(const sockaddr_un address, socket_address(path_));
    OwnedFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval limit{kTimeoutSeconds, 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) !=
        0) {
      return fail(Errc::peer_failure,
                  path_.string() + ": no signer answers: " + std::strerror(errno));
    }
    if (!is_peer_trusted(socket.get())) {
      return fail(Errc::peer_failure, path_.string() + ": the signer runs as another user");
    }
    socket_ = std::move(socket);
    return {};
  }

  /// Waits for a signer that is being restarted: everything else waits with us, but without
  /// signatures there is little else to do.
  Result<void> connect_again() const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(kTimeoutSeconds);
    for (;;) {
      auto connected = connect();
      if (connected || std::chrono::steady_clock::now() >= deadline) {
        return connected;
      }
      std::this_thread::sleep_for(kPauseBetweenAttempts);
    }
  }

  Result<void> send_all(ByteView bytes) const {
    while (!bytes.empty()) {
      const ssize_t put = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (put < 0 && errno == EINTR) {
        continue;
      }
      if (put < 0) {
        return failed("send");
      }
      bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
    return {};
  }

  Result<void> receive_all(std::span<std::uint8_t> bytes) const {
    while (!bytes.empty()) {
      const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
      if (got < 0 && errno == EINTR) {
        continue;
      }
      if (got <= 0) {
        errno = got == 0 ? ECONNRESET : errno;
        return failed("receive");
      }
      bytes = bytes.subspan(static_cast<std::size_t>(got));
    }
    return {};
  }

  Result<std::string> ask(SignerRequest kind, ByteView text) const {
    ByteWriter request;
    request.write(static_cast<std::uint32_t>(1 + text.size()));
    request.write(kind);
    request.write_bytes(text);
    LODE_CHECK(send_all(request.bytes()));
    std::uint32_t size = 0;
    LODE_CHECK(receive_all({reinterpret_cast<std::uint8_t*>(&size), sizeof(size)}));
    if (size == 0 || size > kMaxAnswerBytes) {
      return fail(Errc::peer_failure, path_.string() + ": the signer's answer is malformed");
    }
    std::string answer(size, '\0');
    LODE_CHECK(receive_all({reinterpret_cast<std::uint8_t*>(answer.data()), answer.size()}));
    const auto status = static_cast<SignerStatus>(answer[0]);
    answer.erase(0, 1);
    if (status != SignerStatus::done) {
      return fail(Errc::peer_failure, path_.string() + ": the signer says: " + answer);
    }
    return answer;
  }

  std::filesystem::path path_;
  mutable OwnedFd socket_;
  std::string ss58_;
  chain::PublicKey public_key_{};
};

}  // namespace

Result<std::unique_ptr<chain::Signer>> connect_signer(const std::filesystem::path& socket) {
  auto signer = std::make_unique<RemoteSigner>(socket);
  LODE_CHECK(signer->open());
  return std::unique_ptr<chain::Signer>(std::move(signer));
}

}  // namespace lode::commands
