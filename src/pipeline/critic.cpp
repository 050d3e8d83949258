// The critic that needs no weights.
#include "pipeline/critic.h"

#include "judge/judge.h"

namespace lode::pipeline {
namespace {

Result<Judgement> as_judgement(Result<judge::Verdict> verdict) {
  LODE_TRY(judge::Verdict found, std::move(verdict));
  Judgement judgement;
  judgement.score = found.score;
  judgement.alignment = found.alignment;
  judgement.judged = {"data", "alignment"};
  judgement.views = std::move(found.views);
  judgement.reason = std::move(found.reason);
  return judgement;
}

class LikenessCritic final : public Critic {
 public:
  std::string_view name() const override { return "likeness"; }
  Result<Judgement> judge_text(const splat::Scene& scene, std::string_view prompt,
                               const JudgeOptions& options) override {
    return as_judgement(judge::judge_text(scene, prompt, options.stop));
  }
  Result<Judgement> judge_image(const splat::Scene& scene, const image::Image& prompt,
                                const JudgeOptions& options) override {
    return as_judgement(judge::judge_image(scene, prompt, options.stop));
  }
};

}  // namespace

Result<std::optional<double>> Critic::judge_painting(const image::Image&, std::string_view,
                                                     const std::stop_token&) {
  return std::optional<double>();
}

std::unique_ptr<Critic> make_likeness_critic() { return std::make_unique<LikenessCritic>(); }

}  // namespace lode::pipeline
