// lode signer: a process that holds the hotkey and signs the protocol's two texts, nothing else.
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <list>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "lode/commands.h"
#include "lode/confine.h"
#include "lode/signer_wire.h"
#include "lode/wallet_options.h"
#include "subnet/signed_text.h"

namespace lode::commands {
namespace {

struct SignerOptions {
  WalletOptions wallet;
  std::string socket;
};

/// A miner has one connection, and one more while it connects anew.
constexpr std::size_t kMaxClients = 8;
constexpr std::uint32_t kMaxRequestBytes = subnet::kMaxSignedTextBytes + 1;
constexpr std::size_t kReadChunk = 64 * 1024;

volatile std::sig_atomic_t is_stopping = 0;
void stop(int) { is_stopping = 1; }

/// SIGTERM and SIGINT end the wait, and only the wait; the mask to wait with.
sigset_t catch_signals() {
  struct sigaction action {};
  action.sa_handler = stop;
  sigset_t blocked;
  sigemptyset(&blocked);
  for (const int signal : {SIGTERM, SIGINT}) {
    ::sigaction(signal, &action, nullptr);
    sigaddset(&blocked, signal);
  }
  sigset_t before;
  ::sigprocmask(SIG_BLOCK, &blocked, &before);
  return before;
}

bool answers(const sockaddr_un& address) {
  const OwnedFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

/// A socket of mode 0600 at `path`, in place of one that nobody serves any more.
Result<OwnedFd> listen_at(const std::string& path) {
  LODE_TRY(const sockaddr_un address, socket_address(path));
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) {
    if (!S_ISSOCK(status.st_mode)) {
      return fail(Errc::invalid_input, path + ": something that is no socket is there");
    }
    if (answers(address)) {
      return fail(Errc::invalid_input, path + ": a signer serves there already");
    }
    ::unlink(path.c_str());
  }
  OwnedFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const mode_t before = ::umask(0177);
  const bool is_bound =
      ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
      ::listen(listener.get(), kMaxClients) == 0;
  const int number = errno;
  ::umask(before);
  if (!is_bound) {
    return fail(Errc::io_failure, path + ": cannot listen: " + std::strerror(number));
  }
  return listener;
}

/// One connection: what has come of its next request.
struct Client {
  OwnedFd socket;
  Bytes input;
};

class SignerServer {
 public:
  SignerServer(const chain::Keypair& hotkey, const Clock& clock) : hotkey_(hotkey), clock_(clock) {}

  /// Serves until SIGTERM or SIGINT.
  void run(const OwnedFd& listener, const sigset_t& mask) {
    while (is_stopping == 0) {
      std::vector<pollfd> waits = {{listener.get(), POLLIN, 0}};
      for (const Client& client : clients_) {
        waits.push_back({client.socket.get(), POLLIN, 0});
      }
      if (::ppoll(waits.data(), waits.size(), nullptr, &mask) < 0) {
        continue;  // a signal
      }
      std::size_t index = 1;
      for (auto client = clients_.begin(); client != clients_.end(); ++index) {
        const bool is_kept = waits[index].revents == 0 || serve(*client);
        client = is_kept ? std::next(client) : clients_.erase(client);
      }
      if (waits[0].revents != 0) {
        accept(listener);
      }
    }
  }

 private:
  void accept(const OwnedFd& listener) {
    OwnedFd socket(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (socket.get() < 0) {
      return;
    }
    if (!is_peer_trusted(socket.get())) {
      spdlog::warn("turned away a process of another user");
      return;
    }
    if (clients_.size() == kMaxClients) {
      spdlog::warn("turned away a client: {} are connected", kMaxClients);
      return;
    }
    clients_.push_back({std::move(socket), {}});
  }

  /// Takes what has come and answers whole requests; false when the client is done with.
  bool serve(Client& client) {
    const std::size_t before = client.input.size();
    client.input.resize(before + kReadChunk);
    const ssize_t got = ::recv(client.socket.get(), client.input.data() + before, kReadChunk, 0);
    client.input.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
      return false;
    }
    while (client.input.size() >= kSignerHeaderBytes) {
      std::uint32_t size = 0;
      std::memcpy(&size, client.input.data(), sizeof(size));
      if (size == 0 || size > kMaxRequestBytes) {
        spdlog::warn("dropped a client: a request of {} bytes", size);
        return false;
      }
      if (client.input.size() < kSignerHeaderBytes + size) {
        return true;
      }
      const ByteView request = ByteView(client.input).subspan(kSignerHeaderBytes, size);
      if (!send(client, answer(request))) {
        return false;
      }
      client.input.erase(
          client.input.begin(),
          client.input.begin() + static_cast<std::ptrdiff_t>(kSignerHeaderBytes + size));
    }
    return true;
  }

  std::string answer(ByteView request) {
    const auto kind = static_cast<SignerRequest>(request[0]);
    const ByteView text = request.subspan(1);
    if (kind == SignerRequest::address && text.empty()) {
      return with_status(SignerStatus::done, hotkey_.ss58());
    }
    if (kind != SignerRequest::sign) {
      return with_status(SignerStatus::refused, "unknown request");
    }
    const auto checked = subnet::check_signed_text(as_text(text), hotkey_.ss58(), clock_.now());
    if (!checked) {
      spdlog::warn("{}", checked.error().context);
      return with_status(SignerStatus::refused, checked.error().context);
    }
    return with_status(SignerStatus::done, as_text(hotkey_.sign(text)));
  }

  static std::string with_status(SignerStatus status, std::string_view content) {
    return std::string(1, static_cast<char>(status)) + std::string(content);
  }

  /// An answer fits any socket buffer: a client that does not read is dropped, never waited for.
  static bool send(const Client& client, const std::string& answer) {
    ByteWriter frame;
    frame.write(static_cast<std::uint32_t>(answer.size()));
    frame.write_bytes(as_bytes(answer));
    const ByteView bytes = frame.bytes();
    return ::send(client.socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) ==
           static_cast<ssize_t>(bytes.size());
  }

  const chain::Keypair& hotkey_;
  const Clock& clock_;
  std::list<Client> clients_;
};

int serve(const SignerOptions& options) {
  forbid_dumps();
  const auto hotkey = read_hotkey(options.wallet);
  if (!hotkey) {
    return cli::report(hotkey.error());
  }
  const auto listener = listen_at(options.socket);
  if (!listener) {
    return cli::report(listener.error());
  }
  const sigset_t mask = catch_signals();
  ::tzset();  // the log's clock reads its zone now: no file opens later
  for (const std::string& line : confine_process()) {
    spdlog::info("{}", line);
  }
  cli::print_json({{"ss58", hotkey->ss58()}, {"socket", options.socket}});
  const SystemClock clock;
  SignerServer(*hotkey, clock).run(*listener, mask);
  spdlog::info("ended cleanly");
  return cli::kDone;
}

}  // namespace

void add_signer(CLI::App& app, cli::Action& chosen) {
  auto options = std::make_shared<SignerOptions>();
  CLI::App* command = app.add_subcommand(
      "signer", "Hold the hotkey apart from the miner; sign requests and results, nothing else");
  command->configurable();
  command->option_defaults()->configurable(false);
  command->add_option("--socket", options->socket, "Path of the Unix socket to serve at")
      ->required();
  add_wallet_options(*command, options->wallet);
  command->callback([options, &chosen] { chosen = [options] { return serve(*options); }; });
}

}  // namespace lode::commands
