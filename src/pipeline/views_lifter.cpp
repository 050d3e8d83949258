#include "pipeline/views_lifter.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/thread_pool.h"
#include "dream/multiview.h"
#include "pipeline/distil_internal.h"

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
      return distil_alone(subject, context, begun, outcome.error());
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
  Result<Lifted> distil_alone(const dream::Subject& subject, const StageContext& context,
                              Time begun, const Error& why) {
    dream::Preset preset;
    if (parts_.refining) {
      preset = *parts_.refining;
    } else {
      LODE_TRY(preset, dream::find_preset(needs_picture_ ? "image" : "text_mv"));
    }
    dream::Budget left = parts_.budget;
    if (left.seconds > 0) {
      left.seconds =
          std::max(left.seconds - to_seconds(clock_.now() - begun), kLeastShare * left.seconds);
    }
    LODE_TRY(Lifted lifted,
             distil(subject, {*models_.guide, preset, left, clock_}, context, pool_));
    lifted.notes.push_back("the views were of no use, so score distillation did it alone: " +
                           why.context);
    return lifted;
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
    options.refining = telling(context, "refine");
    options.preview_interval = context.wants_previews ? kPreviewInterval : 0;
    if (context.progress) {
      const auto tell = [&context](std::string_view stage) {
        return [&context, stage](int step, int of) {
          context.progress({.stage = stage, .step = step, .of = of});
        };
      };
      options.sampling = tell("sample");
      options.fit.progress = tell("fit");
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
