// Subjects to splats by way of the views that a diffusion model draws of them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "dream/guidance.h"
#include "dream/pace.h"
#include "dream/preset.h"
#include "pipeline/stages.h"

namespace lode::pipeline {

/// A model that draws views, and guides where they are refined. The two may be one object.
struct ViewModels {
  std::shared_ptr<dream::ViewSampler> sampler;
  std::shared_ptr<dream::GuidanceModel> guide;  ///< needed for refining alone
};

struct ViewsParts {
  std::string name = "views";
  /// Opens the models; called again after a release.
  std::function<Result<ViewModels>()> open;
  std::uint64_t weight_bytes = 0;         ///< what they load
  bool is_refined = true;                 ///< by score distillation, after the fit
  std::optional<dream::Preset> refining;  ///< its schedule; none: dream::RefineOptions' own
  /// Of everything: sampling, which it does not shorten, fit and refinement.
  dream::Budget budget;
  int threads = 1;  ///< that draw
};

/// Opens the models once, to see whether they are there. Errors as of `open`. Views of which no
/// splat can be made are not the end where `is_refined`: score distillation then does it alone, and
/// a note says so.
Result<std::unique_ptr<Lifter>> make_views_lifter(ViewsParts parts);

}  // namespace lode::pipeline
