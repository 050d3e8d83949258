#include "pipeline/views_lifter.h"

#include <fmt/format.h>

#include <utility>

#include "base/thread_pool.h"
#include "dream/finish.h"
#include "dream/multiview.h"

namespace lode::pipeline {
namespace {

class ViewsLifter final : public Lifter {
 public:
  explicit ViewsLifter(ViewsParts parts) : parts_(std::move(parts)), pool_(parts_.threads) {}

  Result<void> open() {
    LODE_TRY(sampler_, parts_.open());
    needs_picture_ = sampler_->needs_picture();
    return {};
  }

  std::string_view name() const override { return parts_.name; }
  std::uint64_t weight_bytes() const override { return parts_.weight_bytes; }
  void release() override { sampler_.reset(); }
  bool needs_picture() const override { return needs_picture_; }

  Result<Lifted> lift(const dream::Subject& subject, const StageContext& context) override {
    if (!sampler_) {
      LODE_CHECK(open());
    }
    const auto tell = [&context](std::string_view stage) {
      return [&context, stage](int step, int of) {
        if (context.progress) {
          context.progress({.stage = stage, .step = step, .of = of});
        }
      };
    };
    LODE_TRY(const std::vector<dream::SampledView> views,
             sampler_->sample(subject, context.seed, tell("sample"), context.stop));
    dream::ViewFitOptions options;
    options.seed = context.seed;
    options.budget = parts_.budget;
    options.clock = &clock_;
    options.progress = tell("fit");
    options.stop = context.stop;
    LODE_TRY(dream::ViewFit fit, dream::fit_views(subject, views, options, pool_));
    Lifted lifted;
    LODE_TRY(lifted.cloud, dream::finish(fit.cloud, {}, pool_));
    lifted.notes = std::move(fit.notes);
    lifted.notes.push_back(fmt::format("fitted to {} of {} sampled views in {} steps", fit.views,
                                       views.size(), fit.steps));
    return lifted;
  }

 private:
  ViewsParts parts_;
  ThreadPool pool_;
  SystemClock clock_;
  std::unique_ptr<dream::ViewSampler> sampler_;
  bool needs_picture_ = true;
};

}  // namespace

Result<std::unique_ptr<Lifter>> make_views_lifter(ViewsParts parts) {
  auto lifter = std::make_unique<ViewsLifter>(std::move(parts));
  LODE_CHECK(lifter->open());
  return std::unique_ptr<Lifter>(std::move(lifter));
}

}  // namespace lode::pipeline
