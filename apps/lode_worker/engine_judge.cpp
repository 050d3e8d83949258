// The validators' engine as the judge of the service.
#include <map>

#include "lode_worker/judge_flags.h"

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

class EngineJudge final : public pipeline::Critic {
 public:
  explicit EngineJudge(scorer::Scorer scorer) : scorer_(std::move(scorer)) {}

  std::string_view name() const override { return "engine"; }

  Result<pipeline::Judgement> judge_text(const splat::Scene& scene, std::string_view prompt,
                                         const pipeline::JudgeOptions& options) override {
    return judge(scene, {prompt}, options);
  }
  Result<pipeline::Judgement> judge_image(const splat::Scene& scene, const image::Image& prompt,
                                          const pipeline::JudgeOptions& options) override {
    return judge(scene, {{}, &prompt}, options);
  }

 private:
  Result<pipeline::Judgement> judge(const splat::Scene& scene, const scorer::Prompt& prompt,
                                    const pipeline::JudgeOptions& options) {
    LODE_TRY(const scorer::Verdict verdict,
             scorer_.score(scene, prompt, {options.stop, options.floor}));
    return judgement_of(verdict);
  }

  scorer::Scorer scorer_;
};

}  // namespace

Result<scorer::Scorer> open_scorer(const JudgeFlags& flags) {
  static const std::map<std::string, scorer::Compute> kTypes = {
      {"auto", scorer::Compute::automatic},
      {"f32", scorer::Compute::float32},
      {"bf16", scorer::Compute::bfloat16}};
  scorer::ScorerOptions options;
  options.device = flags.network.device;
  options.compute = kTypes.at(flags.network.dtype);
  options.threads = flags.network.threads;
  options.memory_budget_bytes = flags.network.memory_budget();
  return scorer::Scorer::open(flags.folders, options);
}

Result<std::unique_ptr<pipeline::Critic>> open_judge(const JudgeFlags& flags) {
  if (!flags.has_weights()) {
    return pipeline::make_likeness_critic();
  }
  set_up_linear_algebra(flags.network);
  LODE_TRY(scorer::Scorer scorer, open_scorer(flags));
  std::unique_ptr<pipeline::Critic> judge = std::make_unique<EngineJudge>(std::move(scorer));
  return judge;
}

}  // namespace lode::commands
