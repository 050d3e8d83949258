// The sandbox's stand-in for the validators' scoring service.
#pragma once

#include <string_view>

#include "sandbox/tasks.h"

namespace lode::sandbox {

struct Score {
  double value = 0;    ///< 0..1
  std::string reason;  ///< one line: the numbers, or what was wrong with the file
};

/// How submissions are scored.
enum class Scoring {
  compare,  ///< against the task's reference
  trust     ///< by the task's id alone: for load and crash tests of what is around the scoring
};

/// A score between 0.65 and 0.95 that depends on the task's id alone: nothing of a submission is
/// looked at.
Score trusted_score(std::string_view task_id);

/// Scores `results` (base64 of an SPZ in zstd) against the task's reference object: 0 when it
/// cannot be decoded or fails the validators' data checks, otherwise judge::compare. Takes a few
/// hundred milliseconds; safe to call from any thread.
Score score_submission(const SandboxTask& task, std::string_view results);

}  // namespace lode::sandbox
