// A subject to gaussians by score distillation: the optimisation from start to finish.
#pragma once

#include <functional>
#include <stop_token>

#include "base/result.h"
#include "base/thread_pool.h"
#include "dream/finish.h"
#include "dream/optimiser.h"

namespace lode::dream {

/// What a listener hears after a step.
struct Progress {
  StepReport step;
  /// Two views side by side, the known one and the one from the back left, at intervals; else null.
  const image::Image* preview = nullptr;
};

struct DreamOptions {
  OptimiserOptions optimiser;
  FinishOptions finish;
  bool with_finish = true;  ///< else the cloud comes as the last step left it
  std::function<void(const Progress&)> progress;
  int preview_interval = 0;  ///< steps; 0: never
  int preview_size = 256;
  std::stop_token stop;
};

struct Outcome {
  splat::GaussianCloud cloud;
  Report report;
  FinishReport finish;
};

/// Optimises a cloud for a subject and makes it ready for export (pack it with
/// splat::precondition). `guidance` has begun with the subject; null fits the picture alone. Errors
/// as of Optimiser and finish(). A budget always ends with a cloud, and notes say what it cost.
Result<Outcome> dream(const Subject& subject, const Preset& preset, Guidance* guidance,
                      const DreamOptions& options, ThreadPool& pool);

/// The two views of Progress::preview.
image::Image preview(const splat::GaussianCloud& cloud, const Subject& subject,
                     const Preset& preset, int size, ThreadPool& pool);

}  // namespace lode::dream
