// The networks of a scorer and what is remembered between splats.
#pragma once

#include <chrono>
#include <thread>

#include "scorer/scorer.h"
#include "scorer/towers_internal.h"

namespace lode::scorer {

/// Adds the time until its end to a stage's seconds.
class Stopwatch {
 public:
  explicit Stopwatch(double& seconds) : seconds_(seconds) {}
  ~Stopwatch() {
    seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  double& seconds_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

class Networks {
 public:
  static Result<std::unique_ptr<Networks>> open(const ScorerFolders& folders,
                                                const ScorerOptions& options);

  /// What a prompt is compared by: the tower that sees pictures as the prompt's feature wants them.
  struct Wanted {
    const ImageTower* tower = nullptr;  ///< null: alignment cannot be judged
    at::Tensor feature;
  };
  /// Adds to the verdict's notes and seconds. May run networks (nn::guard).
  Result<Wanted> wanted_by(const Prompt& prompt, const std::stop_token& stop, Verdict& verdict);

  int threads() const {
    return options_.threads > 0
               ? options_.threads
               : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  }

  std::optional<ImageTower> clip_image;
  std::optional<TextTower> clip_text;
  std::optional<ImageTower> picture_tower;
  std::optional<QualityJudge> quality;
  std::optional<LpipsJudge> lpips;

 private:
  // Pictures that prompts are; each is kept with its pixels.
  static constexpr std::size_t kCachedPictures = 8;

  explicit Networks(const ScorerOptions& options)
      : options_(options), texts_(options.cached_prompts) {}

  Result<void> open_clip(const ScorerFolders& folders, const nn::Placement& placement);
  Result<at::Tensor> text_feature(std::string_view prompt, const std::stop_token& stop,
                                  Verdict& verdict);
  Result<at::Tensor> picture_feature(const ImageTower& tower, const image::Image& picture,
                                     const std::stop_token& stop);

  ScorerOptions options_;
  bool clip_is_official_ = false;  // Hugging Face's, not the validators'
  RecentlyUsed<TextTower::Read> texts_;
  RecentlyUsed<at::Tensor> pictures_{kCachedPictures};
};

/// One splat's verdict: of a scene whose views are drawn as they are needed, or of kViews pictures.
Result<Verdict> appraise(Networks& networks, const splat::Scene& scene, const Prompt& prompt,
                         const Scrutiny& scrutiny);
Result<Verdict> appraise(Networks& networks, std::span<const image::Image> views,
                         const Prompt& prompt, const Scrutiny& scrutiny);

/// Of one picture with a text: see Scorer::alignment.
Result<std::optional<double>> alignment_of(Networks& networks, const image::Image& picture,
                                           std::string_view text, const std::stop_token& stop);

/// A splat that the validators would not look at.
Verdict refused(std::vector<std::string> reasons);

}  // namespace lode::scorer
