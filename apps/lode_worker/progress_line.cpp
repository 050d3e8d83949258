#include "lode_worker/progress_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace lode::worker {

ProgressLine::ProgressLine() : is_terminal_(::isatty(STDERR_FILENO) != 0) {}

ProgressLine::~ProgressLine() {
  if (is_unfinished_) {
    std::fputc('\n', stderr);
  }
}

double ProgressLine::seconds() const {
  return std::chrono::duration<double>(SteadyClock::now() - begin_).count();
}

void ProgressLine::show(std::string_view stage, int step, int of) {
  print(fmt::format("{:9} {}/{}  {:.1f} s", stage, step, of, seconds()));
}

void ProgressLine::show_running(const std::string& text) {
  const auto now = SteadyClock::now();
  if (is_terminal_ || now - last_ >= std::chrono::seconds(5)) {
    last_ = now;
    print(text);
  }
}

void ProgressLine::print(const std::string& text) {
  fmt::print(stderr, "{}{}{}", is_terminal_ ? "\r\x1b[K" : "", text, is_terminal_ ? "" : "\n");
  std::fflush(stderr);
  is_unfinished_ = is_terminal_;
}

}  // namespace lode::worker
