// One lode-worker process: started, watched, and ended with us.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "net/endpoint.h"

namespace lode::miner {

/// A running `lode-worker serve` on a port that it picked itself. Its log goes to our stderr. The
/// process is killed when the object goes, and by the kernel when our process dies.
class LocalWorker {
 public:
  /// Starts `binary` and waits for its ready line. Errc::not_found when there is no such program,
  /// timed_out or peer_failure when it does not come up.
  static boost::asio::awaitable<Result<LocalWorker>> start(std::filesystem::path binary,
                                                           std::string backend);
  LocalWorker(LocalWorker&&) noexcept;
  LocalWorker& operator=(LocalWorker&&) noexcept;
  ~LocalWorker();

  const net::Endpoint& endpoint() const { return endpoint_; }
  bool is_running();
  int pid() const;

 private:
  struct Process;
  LocalWorker(std::unique_ptr<Process> process, net::Endpoint endpoint);
  std::unique_ptr<Process> process_;
  net::Endpoint endpoint_;
};

}  // namespace lode::miner
