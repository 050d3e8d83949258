#include <fmt/format.h>

#include <utility>

#include "pipeline/distil_internal.h"

namespace lode::pipeline {
namespace {

std::string line_of(const dream::Report& report, const std::string& preset) {
  const dream::StageSeconds& s = report.seconds;
  return fmt::format(
      "{} steps of preset {}: guidance {:.1f} s, drawing {:.1f} s, derivatives {:.1f} s, Adam "
      "{:.1f} s, density {:.1f} s, finish {:.1f} s; {} dropped, {} restarts",
      report.steps, preset, s.guidance, s.render, s.backward, s.optimiser, s.density, s.finish,
      report.dropped_steps, report.restarts);
}

}  // namespace

std::function<void(const dream::Progress&)> telling(const StageContext& context,
                                                    std::string_view stage) {
  if (!context.progress) {
    return {};
  }
  return [&context, stage](const dream::Progress& now) {
    context.progress({.stage = stage,
                      .step = now.step.number,
                      .of = now.step.of,
                      .loss = now.step.loss,
                      .gaussians = now.step.gaussians,
                      .preview = now.preview});
  };
}

Result<Lifted> distil(const dream::Subject& subject, const Distillation& how,
                      const StageContext& context, ThreadPool& pool) {
  dream::Subject seen = subject;
  if (how.model.needs_picture()) {
    seen.prompt.clear();
  } else {
    seen.picture = {};
  }
  dream::DreamOptions options;
  options.optimiser.seed = context.seed;
  options.optimiser.budget = how.budget;
  options.optimiser.clock = &how.clock;
  options.stop = context.stop;
  options.progress = telling(context, "lift");
  options.preview_interval = context.wants_previews ? kPreviewInterval : 0;
  LODE_TRY(const auto guidance, how.model.begin(seen, context.seed, context.stop));
  LODE_TRY(dream::Outcome outcome, dream::dream(seen, how.preset, guidance.get(), options, pool));
  Lifted lifted{std::move(outcome.cloud), std::move(outcome.report.notes)};
  lifted.notes.push_back(line_of(outcome.report, how.preset.name));
  return lifted;
}

}  // namespace lode::pipeline
