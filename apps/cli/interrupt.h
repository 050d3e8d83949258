// SIGINT and SIGTERM as a stop token, for commands that end early in good order.
#pragma once

#include <csignal>
#include <stop_token>
#include <thread>

namespace lode::cli {

/// While it lives the first SIGINT or SIGTERM requests a stop; the next ends the program as if
/// nobody listened. To be made before any other thread, for those started later inherit the mask
/// by which one thread alone receives the signals.
class InterruptStop {
 public:
  InterruptStop();
  ~InterruptStop();
  InterruptStop(const InterruptStop&) = delete;
  InterruptStop& operator=(const InterruptStop&) = delete;

  std::stop_token token() const { return stop_.get_token(); }

 private:
  void listen(const std::stop_token& ended);

  sigset_t signals_{};
  sigset_t before_{};
  std::stop_source stop_;
  std::jthread listener_;
};

}  // namespace lode::cli
