// One subject by score distillation, as a stage does it: shared by the lifters.
#pragma once

#include <functional>
#include <string_view>

#include "dream/dream.h"
#include "pipeline/stages.h"

namespace lode::pipeline {

/// Steps between previews; one takes some milliseconds, a step of a real model a hundred and more.
inline constexpr int kPreviewInterval = 5;

/// Tells the context's listener, under this name, how far an optimisation is; empty without one.
/// The context must outlive it.
std::function<void(const dream::Progress&)> telling(const StageContext& context,
                                                    std::string_view stage);

struct Distillation {
  dream::GuidanceModel& model;
  const dream::Preset& preset;
  dream::Budget budget;
  const Clock& clock;
};

/// The model sees what it needs of the subject alone. Notes end with the steps and where the time
/// went. Errors as of dream::dream.
Result<Lifted> distil(const dream::Subject& subject, const Distillation& how,
                      const StageContext& context, ThreadPool& pool);

}  // namespace lode::pipeline
