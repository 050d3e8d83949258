// One line of progress on stderr: rewritten in place on a terminal, a new one each time in a file.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace lode::worker {

class ProgressLine {
 public:
  ProgressLine();
  /// Ends a line that stands unfinished on a terminal.
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// "denoise   3/4  12.1 s", the seconds since this object was made.
  void show(std::string_view stage, int step, int of);
  /// The same with any text; where no terminal is, at most one line in five seconds.
  void show_running(const std::string& text);

  double seconds() const;

 private:
  void print(const std::string& text);

  using SteadyClock = std::chrono::steady_clock;
  SteadyClock::time_point begin_ = SteadyClock::now();
  SteadyClock::time_point last_ = {};
  bool is_terminal_;
  bool is_unfinished_ = false;
};

}  // namespace lode::worker
