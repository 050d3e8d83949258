// A program that we start, wait for until it is ready, and end.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace lode::net {

struct ChildSpec {
  std::filesystem::path binary;
  std::vector<std::string> arguments;
  std::filesystem::path log;  ///< its stderr; empty: ours
  Duration ready_timeout = std::chrono::seconds(60);
};

/// A child that says on its first stdout line that it is ready. It is killed when the object goes,
/// and by the kernel when our process dies.
class ChildProcess {
 public:
  /// Errc::not_found when there is no such program, timed_out or peer_failure when it does not
  /// come up, each naming it.
  static boost::asio::awaitable<Result<ChildProcess>> start(ChildSpec spec);

  ChildProcess(ChildProcess&&) noexcept;
  ChildProcess& operator=(ChildProcess&&) noexcept;
  ~ChildProcess();

  /// The ready line without its line end.
  const std::string& ready_line() const;
  bool is_running();
  int pid() const;

  /// SIGTERM, then up to `timeout` for it to end. Its exit code (128 + the number
  /// of the signal that ended it), or Errc::timed_out.
  boost::asio::awaitable<Result<int>> stop(Duration timeout);

 private:
  struct State;
  explicit ChildProcess(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace lode::net
