#include "pipeline/views_lifter.h"

#include <fmt/format.h>

#include <utility>

#include "base/thread_pool.h"
#include "dream/multiview.h"

namespace lode::pipeline {
namespace {

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
    if (parts_.refining) {
      LODE_TRY(guidance, models_.guide->begin(subject, context.seed, context.stop));
    }
    LODE_TRY(
        dream::FastOutcome outcome,
        dream::dream_fast(subject, *models_.sampler, guidance.get(), options_for(context), pool_));
    Lifted lifted{std::move(outcome.cloud), std::move(outcome.notes)};
    lifted.notes.push_back(
        fmt::format("views sampled in {:.1f} s, fitted in {} steps and {:.1f} s, refined in {} "
                    "steps and {:.1f} s",
                    outcome.sample_seconds, outcome.fit_steps, outcome.fit_seconds,
                    outcome.refined ? outcome.refined->steps : 0, outcome.refine_seconds));
    return lifted;
  }

 private:
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
      options.refining = [&context](const dream::Progress& now) {
        context.progress({.stage = "refine",
                          .step = now.step.number,
                          .of = now.step.of,
                          .loss = now.step.loss,
                          .gaussians = now.step.gaussians});
      };
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
