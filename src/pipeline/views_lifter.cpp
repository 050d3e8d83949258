#include "pipeline/views_lifter.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/thread_pool.h"
#include "dream/dream.h"
#include "dream/multiview.h"

namespace lode::pipeline {
namespace {

/// Of a budget that views have used up, what score distillation gets all the same.
constexpr double kLeastShare = 0.2;

class ViewsLifter final : public Lifter {
 public:
  explicit ViewsLifter(ViewsParts parts) : parts_(std::move(parts)), pool_(parts_.threads) {}

  Result<void> open() {
    LODE_TRY(models_, parts_.open());
    needs_picture_ = models_.sampler->needs_picture();
    return {};
  }

  std::string_view name() const override { return parts_.name; }
  std::uint64_t weight_bytes() const override { return parts_.weight_bytes; }
  void release() override { models_ = {}; }
  bool needs_picture() const override { return needs_picture_; }

  Result<Lifted> lift(const dream::Subject& subject, const StageContext& context) override {
    if (!models_.sampler) {
      LODE_CHECK(open());
    }
    std::unique_ptr<dream::Guidance> guidance;
    if (parts_.is_refined) {
      LODE_TRY(guidance, models_.guide->begin(subject, context.seed, context.stop));
    }
    const Time begun = clock_.now();
    auto outcome =
        dream::dream_fast(subject, *models_.sampler, guidance.get(), options_for(context), pool_);
    if (!outcome && outcome.error().code == Errc::invalid_input && guidance) {
      return distil(subject, *guidance, context, begun, outcome.error());
    }
    if (!outcome) {
      return outcome.error();
    }
    Lifted lifted{std::move(outcome->cloud), std::move(outcome->notes)};
    lifted.notes.push_back(
        fmt::format("views sampled in {:.1f} s, fitted in {} steps and {:.1f} s, refined in {} "
                    "steps and {:.1f} s",
                    outcome->sample_seconds, outcome->fit_steps, outcome->fit_seconds,
                    outcome->refined ? outcome->refined->steps : 0, outcome->refine_seconds));
    return lifted;
  }

 private:
  /// Where the views are of no use: score distillation from the start, in the time that is left.
  Result<Lifted> distil(const dream::Subject& subject, dream::Guidance& guidance,
                        const StageContext& context, Time begun, const Error& why) {
    dream::Preset preset;
    if (parts_.refining) {
      preset = *parts_.refining;
    } else {
      LODE_TRY(preset, dream::find_preset(guidance.views_together() > 1 ? "text_mv" : "image"));
    }
    dream::DreamOptions options;
    options.optimiser.seed = context.seed;
    options.optimiser.clock = &clock_;
    options.stop = context.stop;
    if (parts_.budget.seconds > 0) {
      const double used = to_seconds(clock_.now() - begun);
      options.optimiser.budget.seconds =
          std::max(parts_.budget.seconds - used, kLeastShare * parts_.budget.seconds);
    }
    if (context.progress) {
      options.progress = refining(context);
    }
    LODE_TRY(dream::Outcome outcome, dream::dream(subject, preset, &guidance, options, pool_));
    Lifted lifted{std::move(outcome.cloud), std::move(outcome.report.notes)};
    lifted.notes.push_back(
        fmt::format("the views were of no use ({}): score distillation alone, {} "
                    "steps of preset {}",
                    why.context, outcome.report.steps, preset.name));
    return lifted;
  }

  static std::function<void(const dream::Progress&)> refining(const StageContext& context) {
    return [&context](const dream::Progress& now) {
      context.progress({.stage = "refine",
                        .step = now.step.number,
                        .of = now.step.of,
                        .loss = now.step.loss,
                        .gaussians = now.step.gaussians});
    };
  }

  dream::FastOptions options_for(const StageContext& context) const {
    dream::FastOptions options;
    options.fit.seed = context.seed;
    options.fit.budget = parts_.budget;
    options.fit.clock = &clock_;
    options.fit.stop = context.stop;
    if (parts_.refining) {
      options.refine = dream::RefineOptions{dream::refine_preset(*parts_.refining)};
    }
    if (context.progress) {
      const auto tell = [&context](std::string_view stage) {
        return [&context, stage](int step, int of) {
          context.progress({.stage = stage, .step = step, .of = of});
        };
      };
      options.sampling = tell("sample");
      options.fit.progress = tell("fit");
      options.refining = refining(context);
    }
    return options;
  }

  ViewsParts parts_;
  ThreadPool pool_;
  SystemClock clock_;
  ViewModels models_;
  bool needs_picture_ = true;
};

}  // namespace

Result<std::unique_ptr<Lifter>> make_views_lifter(ViewsParts parts) {
  auto lifter = std::make_unique<ViewsLifter>(std::move(parts));
  LODE_CHECK(lifter->open());
  return std::unique_ptr<Lifter>(std::move(lifter));
}

}  // namespace lode::pipeline
