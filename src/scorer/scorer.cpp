#include "scorer/scorer.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/matmul.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

#include "judge/judge.h"
#include "nn/device.h"
#include "score/ssim.h"
#include "scorer/towers_internal.h"
#include "scorer/views.h"
#include "splat/checks.h"

namespace lode::scorer {

namespace {

namespace fs = std::filesystem;

// Pictures that prompts are; each is kept with its pixels.
constexpr std::size_t kCachedPictures = 8;

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

Result<nn::Placement> placement_for(const ScorerOptions& options) {
  nn::Placement placement;
  LODE_TRY(placement.device, nn::parse_device(options.device));
  placement.compute = options.compute == Compute::automatic
                          ? nn::default_compute_type(placement.device)
                      : options.compute == Compute::float32 ? at::kFloat
                                                            : at::kBFloat16;
  placement.memory_budget_bytes = options.memory_budget_bytes;
  return placement;
}

/// The first of these that holds `file`, else the first.
fs::path first_with(std::initializer_list<fs::path> folders, std::string_view file) {
  std::error_code ignored;
  for (const fs::path& folder : folders) {
    if (fs::exists(folder / file, ignored)) {
      return folder;
    }
  }
  return *folders.begin();
}

fs::path tokenizer_folder(const ScorerFolders& folders) {
  if (!folders.tokenizer.empty()) {
    return folders.tokenizer;
  }
  std::error_code ignored;
  const fs::path own =
      fs::is_directory(folders.clip, ignored) ? folders.clip : folders.clip.parent_path();
  return fs::is_directory(own / "tokenizer", ignored) ? own / "tokenizer" : own;
}

fs::path dinov2_folder(const ScorerFolders& folders) {
  if (!folders.dinov2.empty()) {
    return folders.dinov2;
  }
  std::error_code ignored;
  const fs::path own =
      fs::is_directory(folders.quality, ignored) ? folders.quality : folders.quality.parent_path();
  return first_with({own / "dinov2", own}, "config.json");
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\f\v") == std::string_view::npos;
}

std::string picture_key(const image::Image& picture) {
  std::string key = fmt::format("{}x{}x{}:", picture.width, picture.height, picture.channels);
  key.append(reinterpret_cast<const char*>(picture.pixels.data()), picture.pixels.size());
  return key;
}

std::vector<double> cosines(const at::Tensor& views, const at::Tensor& prompt) {
  const at::Tensor values = at::matmul(views, prompt.t()).flatten().to(at::kDouble).contiguous();
  return {values.data_ptr<double>(), values.data_ptr<double>() + values.numel()};
}

/// The engine's NaN, where weights are damaged or values too large for their type.
Result<void> check_finite(const std::vector<double>& values, std::string_view part) {
  if (!std::ranges::all_of(values, [](double v) { return std::isfinite(v); })) {
    return fail(Errc::internal,
                fmt::format("{} is no number for some view: the weights are damaged, or their "
                            "values too large for the type that is computed in",
                            part));
  }
  return {};
}

using Reduce = double (*)(std::span<const double>);

/// A part's value over all views; none where it was not judged.
struct WholePart {
  std::optional<double> operator()(const std::vector<double>& values, Reduce reduce) const {
    return values.empty() ? std::nullopt : std::optional(reduce(values));
  }
};

/// A part's value as if all views were like one.
struct PartOfView {
  std::size_t view;
  std::optional<double> operator()(const std::vector<double>& values, Reduce reduce) const {
    return values.empty() ? std::nullopt : std::optional(reduce(std::span(&values[view], 1)));
  }
};

template <class PartOf>
score::Components components_of(const score::ViewValues& values, bool of_picture,
                                const PartOf& part_of) {
  score::Components components;
  components.alignment =
      part_of(values.alignment, of_picture ? score::image_alignment : score::text_alignment);
  components.quality = part_of(values.quality, score::mean_quality);
  components.ssim = part_of(values.ssim, score::pairwise_ssim);
  components.lpips = part_of(values.lpips, score::pairwise_lpips);
  return components;
}

Verdict refused(std::vector<std::string> reasons) {
  Verdict verdict;
  verdict.value = 0;
  verdict.line = fmt::format("0: {}", fmt::join(reasons, "; "));
  verdict.refusals = std::move(reasons);
  return verdict;
}

}  // namespace

class Scorer::State {
 public:
  static Result<std::unique_ptr<State>> open(const ScorerFolders& folders,
                                             const ScorerOptions& options);

  Result<Verdict> judge_scene(const splat::Scene& scene, const Prompt& prompt,
                              const std::stop_token& stop);
  Result<Verdict> judge_views(std::span<const image::Image> views, const Prompt& prompt,
                              const std::stop_token& stop);

  std::optional<ImageTower> clip_image;
  std::optional<TextTower> clip_text;
  std::optional<ImageTower> picture_tower;
  std::optional<QualityJudge> quality;
  std::optional<LpipsJudge> lpips;

 private:
  explicit State(const ScorerOptions& options)
      : options_(options), texts_(options.cached_prompts) {}

  Result<void> open_clip(const ScorerFolders& folders, const nn::Placement& placement);
  Result<void> attempt(std::span<const image::Image> views, const Prompt& prompt,
                       const std::stop_token& stop, Verdict& verdict);
  Result<void> align(std::span<const image::Image> distinct, const Prompt& prompt,
                     const std::stop_token& stop, Verdict& verdict);
  Result<at::Tensor> text_feature(std::string_view prompt, const std::stop_token& stop,
                                  Verdict& verdict);
  Result<at::Tensor> picture_feature(const ImageTower& tower, const image::Image& picture,
                                     const std::stop_token& stop);
  int threads() const {
    return options_.threads > 0
               ? options_.threads
               : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  }

  ScorerOptions options_;
  bool clip_is_official_ = false;  // Hugging Face's, not the validators'
  RecentlyUsed<TextTower::Read> texts_;
  RecentlyUsed<at::Tensor> pictures_{kCachedPictures};
};

Result<void> Scorer::State::open_clip(const ScorerFolders& folders,
                                      const nn::Placement& placement) {
  const Preparation engine = options_.half_inputs ? Preparation::engine : Preparation::engine_full;
  LODE_TRY(const bool open_clip, is_open_clip(folders.clip));
  const fs::path tokenizer = tokenizer_folder(folders);
  clip_is_official_ = !open_clip;
  if (open_clip) {
    LODE_TRY(clip_image, ImageTower::open_convnext(folders.clip, engine, placement));
    LODE_TRY(clip_text, TextTower::open_convnext(folders.clip, tokenizer, placement));
  } else {
    LODE_TRY(clip_image,
             ImageTower::open_hugging_face(folders.clip, Preparation::official, placement));
    LODE_TRY(clip_text, TextTower::open_hugging_face(folders.clip, tokenizer, placement));
  }
  if (clip_image->width() != clip_text->width()) {
    return fail(Errc::invalid_input,
                fmt::format("{}: pictures become {} numbers, prompts {}", folders.clip.string(),
                            clip_image->width(), clip_text->width()));
  }
  return {};
}

Result<std::unique_ptr<Scorer::State>> Scorer::State::open(const ScorerFolders& folders,
                                                           const ScorerOptions& options) {
  LODE_TRY(const nn::Placement placement, placement_for(options));
  std::unique_ptr<State> state(new State(options));
  if (!folders.clip.empty()) {
    LODE_CHECK(state->open_clip(folders, placement));
  }
  if (!folders.image_tower.empty()) {
    LODE_TRY(state->picture_tower,
             ImageTower::open_hugging_face(
                 folders.image_tower,
                 options.half_inputs ? Preparation::engine : Preparation::engine_full, placement));
  }
  if (!folders.quality.empty()) {
    LODE_TRY(state->quality,
             QualityJudge::open(folders.quality, dinov2_folder(folders), placement));
  }
  if (!folders.lpips.empty()) {
    LODE_TRY(state->lpips, LpipsJudge::open(folders.lpips, placement));
  }
  return state;
}

Result<at::Tensor> Scorer::State::text_feature(std::string_view prompt, const std::stop_token& stop,
                                               Verdict& verdict) {
  const TextTower::Read* known = texts_.find(prompt);
  if (known == nullptr) {
    const Stopwatch watch(verdict.seconds.prompt);
    LODE_TRY(TextTower::Read read, clip_text->read(prompt, stop));
    texts_.put(std::string(prompt), std::move(read));
    known = texts_.find(prompt);
  }
  if (is_blank(prompt)) {
    verdict.notes.emplace_back("the prompt is empty: the validators score it all the same");
  }
  if (known->dropped > 0) {
    verdict.notes.push_back(fmt::format(
        "the prompt is longer than CLIP reads: its last {} tokens were left out", known->dropped));
  }
  return known->feature;
}

Result<at::Tensor> Scorer::State::picture_feature(const ImageTower& tower,
                                                  const image::Image& picture,
                                                  const std::stop_token& stop) {
  std::string key = picture_key(picture);
  if (const at::Tensor* known = pictures_.find(key)) {
    return *known;
  }
  LODE_TRY(at::Tensor feature, tower.features({&picture, 1}, stop));
  pictures_.put(std::move(key), feature);
  return feature;
}

Result<void> Scorer::State::align(std::span<const image::Image> distinct, const Prompt& prompt,
                                  const std::stop_token& stop, Verdict& verdict) {
  const bool of_picture = prompt.picture != nullptr;
  if (of_picture && !picture_tower && clip_image) {
    verdict.notes.emplace_back("the picture was compared by the tower that is for texts");
  }
  const std::optional<ImageTower>& tower = of_picture && picture_tower ? picture_tower : clip_image;
  if (!tower) {
    return {};
  }
  if (!of_picture && clip_is_official_) {
    verdict.notes.emplace_back(
        "alignment by another CLIP than the validators', on their scale of cosine / 0.35");
  }
  at::Tensor wanted;
  if (of_picture) {
    const Stopwatch watch(verdict.seconds.prompt);
    LODE_TRY(wanted, picture_feature(*tower, *prompt.picture, stop));
  } else {
    LODE_TRY(wanted, text_feature(prompt.text, stop, verdict));
  }
  const Stopwatch watch(verdict.seconds.alignment);
  LODE_TRY(const at::Tensor seen, tower->features(distinct, stop));
  verdict.views.alignment = cosines(seen, wanted);
  return check_finite(verdict.views.alignment, "the alignment");
}

Result<void> Scorer::State::attempt(std::span<const image::Image> views, const Prompt& prompt,
                                    const std::stop_token& stop, Verdict& verdict) {
  const at::NoGradGuard no_gradients;
  // The engine's last view is the first again: what is known of the one is known of the other.
  const bool closes = views.front().pixels == views.back().pixels;
  const auto distinct = views.first(closes ? views.size() - 1 : views.size());
  const auto close = [&](std::vector<double>& values) {
    if (closes && !values.empty()) {
      values.push_back(values.front());
    }
  };
  LODE_CHECK(align(distinct, prompt, stop, verdict));
  close(verdict.views.alignment);
  if (quality) {
    const Stopwatch watch(verdict.seconds.quality);
    LODE_TRY(verdict.views.quality, quality->judge(distinct, stop));
    LODE_CHECK(check_finite(verdict.views.quality, "the quality"));
    close(verdict.views.quality);
  }
  if (lpips) {
    const Stopwatch watch(verdict.seconds.lpips);
    LODE_TRY(verdict.views.lpips, lpips->neighbour_distances(distinct, stop));
    LODE_CHECK(check_finite(verdict.views.lpips, "LPIPS"));
    if (closes) {  // the last pair is the first view with itself
      verdict.views.lpips.push_back(0);
    }
  }
  return {};
}

Result<Verdict> Scorer::State::judge_views(std::span<const image::Image> views,
                                           const Prompt& prompt, const std::stop_token& stop) {
  Verdict verdict;
  Result<void> outcome;
  const Result<void> run =
      nn::guard("scoring a splat", [&] { outcome = attempt(views, prompt, stop, verdict); });
  LODE_CHECK(run);
  LODE_CHECK(outcome);
  {
    const Stopwatch watch(verdict.seconds.ssim);
    LODE_TRY(verdict.views.ssim, score::neighbour_ssim(views));
  }
  if (stop.stop_requested()) {
    return fail(Errc::cancelled, "scoring was cancelled");
  }
  const score::ViewValues& values = verdict.views;
  const bool of_picture = prompt.picture != nullptr;
  verdict.components = components_of(values, of_picture, WholePart());
  if (verdict.components.alignment || verdict.components.quality) {
    verdict.value = score::final_score(verdict.components).value;
    verdict.line = score::explain(verdict.components, values);
    for (std::size_t view = 0; view < views.size(); ++view) {
      const auto alone = components_of(values, of_picture, PartOfView{view});
      verdict.view_scores.push_back(score::final_score(alone).value.value_or(0));
    }
  } else {
    verdict.line = "the data checks pass; no weights to judge alignment or quality by";
  }
  return verdict;
}

Result<Verdict> Scorer::State::judge_scene(const splat::Scene& scene, const Prompt& prompt,
                                           const std::stop_token& stop) {
  const splat::CheckReport report = splat::check(scene);
  if (!report.valid()) {
    return refused(report.reasons);
  }
  double draw = 0;
  std::vector<image::Image> views;
  {
    const Stopwatch watch(draw);
    LODE_TRY(views, draw_views(scene, threads(), stop));
  }
  LODE_TRY(Verdict verdict, judge_views(views, prompt, stop));
  verdict.seconds.draw = draw;
  return verdict;
}

Scorer::Scorer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Scorer::Scorer(Scorer&&) noexcept = default;
Scorer& Scorer::operator=(Scorer&&) noexcept = default;
Scorer::~Scorer() = default;

Result<Scorer> Scorer::open(const ScorerFolders& folders, const ScorerOptions& options) {
  LODE_TRY(std::unique_ptr<State> state, State::open(folders, options));
  return Scorer(std::move(state));
}

Result<Verdict> Scorer::score(ByteView spz, const Prompt& prompt, const std::stop_token& stop) {
  const Result<splat::Scene> scene = judge::open_submission(spz);
  if (!scene) {
    return refused({scene.error().context});
  }
  return score(*scene, prompt, stop);
}

Result<Verdict> Scorer::score(const splat::Scene& scene, const Prompt& prompt,
                              const std::stop_token& stop) {
  return state_->judge_scene(scene, prompt, stop);
}

Result<Verdict> Scorer::score(std::span<const image::Image> views, const Prompt& prompt,
                              const std::stop_token& stop) {
  const auto is_alike = [&](const image::Image& view) {
    return view.channels == 3 && view.width == views.front().width &&
           view.height == views.front().height;
  };
  if (views.size() != kViews || !std::ranges::all_of(views, is_alike)) {
    return fail(Errc::invalid_input, fmt::format("{} RGB views of one size expected", kViews));
  }
  return state_->judge_views(views, prompt, stop);
}

std::vector<std::string> Scorer::missing_parts() const {
  std::vector<std::string> missing;
  if (!state_->clip_image && !state_->picture_tower) {
    missing.emplace_back("alignment");
  }
  if (!state_->quality) {
    missing.emplace_back("quality");
  }
  if (!state_->lpips) {
    missing.emplace_back("lpips");
  }
  return missing;
}

}  // namespace lode::scorer
