// The validators' engine as a critic.
#include <algorithm>
#include <optional>

#include "lode_worker/judge_flags.h"
#include "lode_worker/loaded_bytes.h"

namespace lode::commands {
namespace {

pipeline::Judgement judgement_of(const scorer::Verdict& verdict) {
  const score::Components& parts = verdict.components;
  pipeline::Judgement judgement;
  judgement.score = verdict.value.value_or(0);
  judgement.quality = parts.quality.value_or(0);
  judgement.alignment = parts.alignment.value_or(0);
  judgement.ssim = parts.ssim.value_or(0);
  judgement.lpips = parts.lpips.value_or(0);
  judgement.judged = {"data"};
  const auto note = [&](const char* name, const std::optional<double>& part) {
    if (part) {
      judgement.judged.emplace_back(name);
    }
  };
  note("alignment", parts.alignment);
  note("quality", parts.quality);
  note("ssim", parts.ssim);
  note("lpips", parts.lpips);
  judgement.views = verdict.view_scores;
  judgement.reason = verdict.line;
  judgement.is_discarded = verdict.is_discarded;
  return judgement;
}

class EngineCritic final : public pipeline::Critic {
 public:
  explicit EngineCritic(const JudgeFlags& flags) : flags_(flags) {}

  Result<void> open() {
    LODE_TRY(scorer_, open_scorer(flags_));
    const scorer::ScorerFolders& folders = flags_.folders;
    weight_bytes_ = 0;
    for (const auto* path :
         {&folders.clip, &folders.image_tower, &folders.quality, &folders.dinov2, &folders.lpips}) {
      if (!path->empty()) {
        LODE_TRY(const std::uint64_t bytes, loaded_bytes(*path, flags_.network));
        weight_bytes_ += bytes;
      }
    }
    weight_bytes_ = std::min(weight_bytes_, flags_.network.memory_budget().value_or(weight_bytes_));
    return {};
  }

  std::string_view name() const override { return "engine"; }
  std::uint64_t weight_bytes() const override { return weight_bytes_; }
  void release() override { scorer_.reset(); }

  Result<pipeline::Judgement> judge_text(const splat::Scene& scene, std::string_view prompt,
                                         const pipeline::JudgeOptions& options) override {
    return judge(scene, {prompt}, options);
  }
  Result<pipeline::Judgement> judge_image(const splat::Scene& scene, const image::Image& prompt,
                                          const pipeline::JudgeOptions& options) override {
    return judge(scene, {{}, &prompt}, options);
  }

  Result<std::optional<double>> judge_painting(const image::Image& picture, std::string_view prompt,
                                               const std::stop_token& stop) override {
    if (!scorer_) {
      LODE_CHECK(open());
    }
    return scorer_->alignment(picture, prompt, stop);
  }

 private:
  Result<pipeline::Judgement> judge(const splat::Scene& scene, const scorer::Prompt& prompt,
                                    const pipeline::JudgeOptions& options) {
    if (!scorer_) {
      LODE_CHECK(open());
    }
    LODE_TRY(const scorer::Verdict verdict,
             scorer_->score(scene, prompt, {options.stop, options.floor}));
    return judgement_of(verdict);
  }

  JudgeFlags flags_;
  std::optional<scorer::Scorer> scorer_;
  std::uint64_t weight_bytes_ = 0;
};

}  // namespace

Result<scorer::Scorer> open_scorer(const JudgeFlags& flags) {
  if (!flags.can_score()) {
    return fail(Errc::invalid_input,
                "clip, image_tower or quality: a folder of weights was expected, without which "
                "there is no score");
  }
  scorer::ScorerOptions options;
  options.device = flags.network.device;
  options.compute = flags.network.compute();
  options.threads = flags.network.threads;
  options.memory_budget_bytes = flags.network.memory_budget();
  return scorer::Scorer::open(flags.folders, options);
}

Result<std::unique_ptr<pipeline::Critic>> open_engine(const JudgeFlags& flags) {
  auto critic = std::make_unique<EngineCritic>(flags);
  LODE_CHECK(critic->open());
  return std::unique_ptr<pipeline::Critic>(std::move(critic));
}

}  // namespace lode::commands
