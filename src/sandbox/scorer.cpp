#include "sandbox/scorer.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/rng.h"
#include "judge/judge.h"

namespace lode::sandbox {

Score trusted_score(std::string_view task_id) {
  return {Rng(1).fork(task_id).uniform(0.65, 0.95), "trusted"};
}

Score score_submission(const SandboxTask& task, std::string_view results) {
  const Result<Bytes> spz = base64_decode(results);
  if (!spz)
    return {0, "results: " + spz.error().context};
  const Result<splat::Scene> candidate = judge::open_submission(*spz);
  if (!candidate)
    return {0, candidate.error().context};
  judge::CompareOptions options;
  if (task.task.type == subnet::Task::Type::image)
    options.emphasis = judge::Emphasis::front;
  const judge::Comparison comparison = judge::compare(*candidate, task.reference, options);
  return {comparison.score, fmt::format("{:.3f} against the reference", comparison.score)};
}

}  // namespace lode::sandbox
