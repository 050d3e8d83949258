// Subjects to splats by score distillation, whichever diffusion model guides it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "dream/guidance.h"
#include "dream/pace.h"
#include "dream/preset.h"
#include "pipeline/stages.h"

namespace lode::pipeline {

struct DreamParts {
  std::string name = "dream";
  /// Opens the diffusion model; called again after a release.
  std::function<Result<std::unique_ptr<dream::GuidanceModel>>()> open;
  std::uint64_t weight_bytes = 0;  ///< what the model loads
  dream::Preset preset;
  dream::Budget budget;  ///< of the optimisation
  int threads = 1;       ///< that draw
};

/// Opens the model once, to see whether it is there. Errors as of `open`.
Result<std::unique_ptr<Lifter>> make_dream_lifter(DreamParts parts);

/// A model that knows the true cloud (dream::Oracle), in place of a diffusion model: for measuring
/// without weights. It needs a picture, of whatever. `noise` as in dream::OracleOptions.
std::unique_ptr<dream::GuidanceModel> make_oracle_model(splat::GaussianCloud truth, double noise,
                                                        int threads);

}  // namespace lode::pipeline
