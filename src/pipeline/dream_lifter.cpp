#include "pipeline/dream_lifter.h"

#include <utility>

#include "base/thread_pool.h"
#include "dream/oracle.h"
#include "pipeline/distil_internal.h"

namespace lode::pipeline {
namespace {

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
    return distil(subject, {*model_, parts_.preset, parts_.budget, clock_}, context, pool_);
  }

 private:
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
