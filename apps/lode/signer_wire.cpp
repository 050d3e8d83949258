#include "lode/signer_wire.h"

namespace lode::commands {

Result<sockaddr_un> socket_address(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string text = path.string();
  if (text.empty() || text.size() >= sizeof(address.sun_path)) {
    return fail(Errc::invalid_input, "socket: a path of 1 to " +
                                         std::to_string(sizeof(address.sun_path) - 1) +
                                         " bytes was expected");
  }
  text.copy(address.sun_path, text.size());
  return address;
}

bool is_peer_trusted(int fd) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         (peer.uid == ::geteuid() || peer.uid == 0);
}

}  // namespace lode::commands
