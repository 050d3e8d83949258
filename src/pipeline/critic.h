// Who scores splats before anybody else sees them.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "image/image.h"
#include "pipeline/stages.h"
#include "splat/cloud.h"

namespace lode::pipeline {

/// A score and its parts, as the validators' service names them; a part that was not judged is 0
/// and absent from `judged`.
struct Judgement {
  double score = 0;
  double quality = 0;  ///< "iqa"
  double alignment = 0;
  double ssim = 0;
  double lpips = 0;
  std::vector<std::string> judged;  ///< "data", "alignment", "quality", "ssim", "lpips"
  std::vector<double> views;        ///< values of single views behind the score; may be empty
  std::string reason;               ///< one line for people: what decided the score
  /// Judging stopped, since the score will not reach the floor: `score` is foretold, at most the
  /// floor, and parts hold what was seen.
  bool is_discarded = false;
};

/// How to judge.
struct JudgeOptions {
  JudgeOptions(std::stop_token stop_in = {}, std::optional<double> floor_in = {})
      : stop(std::move(stop_in)), floor(floor_in) {}

  std::stop_token stop;
  /// Below this the score does not matter, nor do the parts of a score of 0: a critic may stop
  /// as soon as it knows.
  std::optional<double> floor;
};

/// Scores scenes that are activated and through the data checks, but not framed. Used by one
/// thread at a time. The only error is Errc::cancelled, soon after a stop was requested.
class Critic : public Stage {
 public:
  virtual Result<Judgement> judge_text(const splat::Scene& scene, std::string_view prompt,
                                       const JudgeOptions& options) = 0;
  virtual Result<Judgement> judge_image(const splat::Scene& scene, const image::Image& prompt,
                                        const JudgeOptions& options) = 0;

  /// How well a painted picture shows what a prompt says, in the units of Judgement::alignment;
  /// nothing where this critic cannot tell. Errors: damaged weights and lack of memory too.
  virtual Result<std::optional<double>> judge_painting(const image::Image& picture,
                                                       std::string_view prompt,
                                                       const std::stop_token& stop);
};

/// "likeness": judge/judge.h, which needs no weights and judges data and alignment.
std::unique_ptr<Critic> make_likeness_critic();

}  // namespace lode::pipeline
