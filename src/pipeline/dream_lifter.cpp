#include "pipeline/dream_lifter.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "base/thread_pool.h"
#include "dream/dream.h"
#include "dream/oracle.h"

namespace lode::pipeline {
namespace {

// Steps; a preview takes some milliseconds, a step of a real model a hundred and more.
constexpr int kPreviewInterval = 5;

class DreamLifter final : public Lifter {
 public:
  explicit DreamLifter(DreamParts parts) : parts_(std::move(parts)), pool_(parts_.threads) {}

  Result<void> open() {
    LODE_TRY(model_, parts_.open());
    needs_picture_ = model_->needs_picture();
    return {};
  }

  std::string_view name() const override { return parts_.name; }
  std::uint64_t weight_bytes() const override { return parts_.weight_bytes; }
  void release() override { model_.reset(); }
  bool needs_picture() const override { return needs_picture_; }

  Result<Lifted> lift(const dream::Subject& subject, const StageContext& context) override {
    if (!model_) {
      LODE_CHECK(open());
    }
    dream::Subject seen = subject;
    if (needs_picture_) {
      seen.prompt.clear();
    } else {
      seen.picture = {};
    }
    LODE_TRY(const auto guidance, model_->begin(seen, context.seed, context.stop));
    LODE_TRY(dream::Outcome outcome,
             dream::dream(seen, parts_.preset, guidance.get(), options_for(context), pool_));
    Lifted lifted{std::move(outcome.cloud), std::move(outcome.report.notes)};
    lifted.notes.push_back(line_of(outcome.report));
    return lifted;
  }

 private:
  dream::DreamOptions options_for(const StageContext& context) {
    dream::DreamOptions options;
    options.optimiser.seed = context.seed;
    options.optimiser.budget = parts_.budget;
    options.optimiser.clock = &clock_;
    options.stop = context.stop;
    if (context.progress) {
      options.preview_interval = context.wants_previews ? kPreviewInterval : 0;
      options.progress = [&context](const dream::Progress& now) {
        context.progress({.stage = "lift",
                          .step = now.step.number,
                          .of = now.step.of,
                          .loss = now.step.loss,
                          .gaussians = now.step.gaussians,
                          .preview = now.preview});
      };
    }
    return options;
  }

  std::string line_of(const dream::Report& report) const {
    const dream::StageSeconds& s = report.seconds;
    return fmt::format(
        "{} steps of preset {}: guidance {:.1f} s, drawing {:.1f} s, derivatives {:.1f} s, Adam "
        "{:.1f} s, density {:.1f} s, finish {:.1f} s; {} dropped, {} restarts",
        report.steps, parts_.preset.name, s.guidance, s.render, s.backward, s.optimiser, s.density,
        s.finish, report.dropped_steps, report.restarts);
  }

  DreamParts parts_;
  ThreadPool pool_;
  SystemClock clock_;
  std::unique_ptr<dream::GuidanceModel> model_;
  bool needs_picture_ = true;
};

class OracleModel final : public dream::GuidanceModel {
 public:
  OracleModel(splat::GaussianCloud truth, double noise, int threads)
      : truth_(std::move(truth)), noise_(noise), pool_(threads) {}

  std::string_view name() const override { return "oracle"; }
  bool needs_picture() const override { return true; }

  Result<std::unique_ptr<dream::Guidance>> begin(const dream::Subject&, std::uint64_t seed,
                                                 const std::stop_token&) override {
    dream::OracleOptions options;
    options.noise = noise_;
    std::unique_ptr<dream::Guidance> oracle =
        std::make_unique<dream::Oracle>(truth_, options, seed, pool_);
    return oracle;
  }

 private:
  splat::GaussianCloud truth_;
  double noise_;
  ThreadPool pool_;
};

}  // namespace

Result<std::unique_ptr<Lifter>> make_dream_lifter(DreamParts parts) {
  auto lifter = std::make_unique<DreamLifter>(std::move(parts));
  LODE_CHECK(lifter->open());
  return std::unique_ptr<Lifter>(std::move(lifter));
}

std::unique_ptr<dream::GuidanceModel> make_oracle_model(splat::GaussianCloud truth, double noise,
                                                        int threads) {
  return std::make_unique<OracleModel>(std::move(truth), noise, threads);
}

}  // namespace lode::pipeline
