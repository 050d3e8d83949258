// Wall time per stage of a generation.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace lode::pipeline {

struct StageTime {
  std::string stage;
  double seconds = 0;
};

/// Collects stage times in order: `lap("parse")` ends the stage that began at the last lap. Laps of
/// one name are summed.
class StageClock {
 public:
  StageClock() : last_(std::chrono::steady_clock::now()) {}
  void lap(std::string stage);
  std::vector<StageTime> take() { return std::move(stages_); }

 private:
  std::chrono::steady_clock::time_point last_;
  std::vector<StageTime> stages_;
};

}  // namespace lode::pipeline
