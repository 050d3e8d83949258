#include "pipeline/stage.h"

#include <algorithm>

namespace lode::pipeline {

void StageClock::lap(std::string stage) {
  const auto now = std::chrono::steady_clock::now();
  const double seconds = std::chrono::duration<double>(now - last_).count();
  const auto known = std::ranges::find(stages_, stage, &StageTime::stage);
  if (known != stages_.end()) {
    known->seconds += seconds;
  } else {
    stages_.push_back({std::move(stage), seconds});
  }
  last_ = now;
}

}  // namespace lode::pipeline
