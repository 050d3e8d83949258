// What people see of the demo: progress while it runs, pictures and a summary at its end.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.h"

namespace lode::commands {

/// Progress on stderr: bars that redraw themselves on a terminal, otherwise a line whenever a count
/// has changed.
class DemoProgress {
 public:
  /// `goal`: accepted results that each validator is to reach.
  explicit DemoProgress(int goal);
  void show(const nlohmann::json& ledger, double seconds);

 private:
  int goal_;
  bool is_terminal_;
  int lines_drawn_ = 0;
  std::string last_line_;
};

/// One rendered tile per accepted result in `artifacts` (newest 48 at most, in file-name order),
/// azimuth 24 degrees. Returns the number of tiles, and writes no file when it is 0.
Result<int> write_contact_sheet(const std::filesystem::path& artifacts,
                                const std::filesystem::path& png);

/// The table, the times per stage and where the files are, for stdout.
std::string format_summary(const nlohmann::json& result);

}  // namespace lode::commands
