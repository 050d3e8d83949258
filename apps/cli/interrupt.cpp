#include "cli/interrupt.h"

#include <pthread.h>

#include <ctime>

namespace lode::cli {

InterruptStop::InterruptStop() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  listener_ = std::jthread([this](const std::stop_token& ended) { listen(ended); });
}

InterruptStop::~InterruptStop() {
  listener_.request_stop();
  listener_.join();
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void InterruptStop::listen(const std::stop_token& ended) {
  // How late the destructor may find out that nobody listens any more.
  constexpr timespec kPatience = {.tv_sec = 0, .tv_nsec = 50'000'000};
  while (!ended.stop_requested()) {
    if (sigtimedwait(&signals_, nullptr, &kPatience) > 0) {
      if (stop_.request_stop()) {
        continue;
      }
      // Asked twice: let the default end the program, from this thread.
      std::signal(SIGTERM, SIG_DFL);
      pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
      raise(SIGTERM);
    }
  }
}

}  // namespace lode::cli
