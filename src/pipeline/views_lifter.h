// Subjects to splats by way of the views that a diffusion model draws of them.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "dream/guidance.h"
#include "dream/pace.h"
#include "pipeline/stages.h"

namespace lode::pipeline {

struct ViewsParts {
  std::string name = "views";
  /// Opens the sampler; called again after a release.
  std::function<Result<std::unique_ptr<dream::ViewSampler>>()> open;
  std::uint64_t weight_bytes = 0;  ///< what the sampler loads
  dream::Budget budget;            ///< of the fit, which comes after the sampling
  int threads = 1;                 ///< that draw
};

/// Opens the sampler once, to see whether it is there. Errors as of `open`.
Result<std::unique_ptr<Lifter>> make_views_lifter(ViewsParts parts);

}  // namespace lode::pipeline
