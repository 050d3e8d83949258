#include "pipeline/stage.h"

namespace lode::pipeline {

void StageClock::lap(std::string stage) {
  const auto now = std::chrono::steady_clock::now();
  stages_.push_back({std::move(stage), std::chrono::duration<double>(now - last_).count()});
  last_ = now;
}

}  // namespace lode::pipeline
