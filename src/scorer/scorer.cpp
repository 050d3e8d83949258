#include "scorer/scorer.h"

#include <fmt/format.h>

#include <algorithm>

#include "judge/judge.h"
#include "nn/device.h"
#include "scorer/networks_internal.h"
#include "scorer/views.h"

namespace lode::scorer {

namespace {

namespace fs = std::filesystem;

Result<nn::Placement> placement_for(const ScorerOptions& options) {
  nn::Placement placement;
  LODE_TRY(placement.device, nn::parse_device(options.device));
  LODE_TRY(placement.compute, nn::compute_type(options.compute, placement.device));
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

}  // namespace

Result<void> Networks::open_clip(const ScorerFolders& folders, const nn::Placement& placement) {
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

Result<std::unique_ptr<Networks>> Networks::open(const ScorerFolders& folders,
                                                 const ScorerOptions& options) {
  LODE_TRY(const nn::Placement placement, placement_for(options));
  std::unique_ptr<Networks> networks(new Networks(options));
  if (!folders.clip.empty()) {
    LODE_CHECK(networks->open_clip(folders, placement));
  }
  if (!folders.image_tower.empty()) {
    LODE_TRY(networks->picture_tower,
             ImageTower::open_hugging_face(
                 folders.image_tower,
                 options.half_inputs ? Preparation::engine : Preparation::engine_full, placement));
  }
  if (!folders.quality.empty()) {
    LODE_TRY(networks->quality,
             QualityJudge::open(folders.quality, dinov2_folder(folders), placement));
  }
  if (!folders.lpips.empty()) {
    LODE_TRY(networks->lpips, LpipsJudge::open(folders.lpips, placement));
  }
  return networks;
}

Result<at::Tensor> Networks::text_feature(std::string_view prompt, const std::stop_token& stop,
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

Result<at::Tensor> Networks::picture_feature(const ImageTower& tower, const image::Image& picture,
                                             const std::stop_token& stop) {
  std::string key = picture_key(picture);
  if (const at::Tensor* known = pictures_.find(key)) {
    return *known;
  }
  LODE_TRY(at::Tensor feature, tower.features({&picture, 1}, stop));
  pictures_.put(std::move(key), feature);
  return feature;
}

Result<Networks::Wanted> Networks::wanted_by(const Prompt& prompt, const std::stop_token& stop,
                                             Verdict& verdict) {
  const bool of_picture = prompt.picture != nullptr;
  if (of_picture && !picture_tower && clip_image) {
    verdict.notes.emplace_back("the picture was compared by the tower that is for texts");
  }
  const std::optional<ImageTower>& tower = of_picture && picture_tower ? picture_tower : clip_image;
  Wanted wanted;
  if (!tower) {
    return wanted;
  }
  if (!of_picture && clip_is_official_) {
    verdict.notes.emplace_back(
        "alignment by another CLIP than the validators', on their scale of cosine / 0.35");
  }
  wanted.tower = &*tower;
  if (of_picture) {
    const Stopwatch watch(verdict.seconds.prompt);
    LODE_TRY(wanted.feature, picture_feature(*tower, *prompt.picture, stop));
  } else {
    LODE_TRY(wanted.feature, text_feature(prompt.text, stop, verdict));
  }
  return wanted;
}

Scorer::Scorer(std::unique_ptr<Networks> networks) : networks_(std::move(networks)) {}
Scorer::Scorer(Scorer&&) noexcept = default;
Scorer& Scorer::operator=(Scorer&&) noexcept = default;
Scorer::~Scorer() = default;

Result<Scorer> Scorer::open(const ScorerFolders& folders, const ScorerOptions& options) {
  LODE_TRY(std::unique_ptr<Networks> networks, Networks::open(folders, options));
  return Scorer(std::move(networks));
}

Result<Verdict> Scorer::score(ByteView spz, const Prompt& prompt, const Scrutiny& scrutiny) {
  const Result<splat::Scene> scene = judge::open_submission(spz);
  if (!scene) {
    return refused({scene.error().context});
  }
  return score(*scene, prompt, scrutiny);
}

Result<Verdict> Scorer::score(const splat::Scene& scene, const Prompt& prompt,
                              const Scrutiny& scrutiny) {
  return appraise(*networks_, scene, prompt, scrutiny);
}

Result<Verdict> Scorer::score(std::span<const image::Image> views, const Prompt& prompt,
                              const Scrutiny& scrutiny) {
  const auto is_alike = [&](const image::Image& view) {
    return view.channels == 3 && view.width == views.front().width &&
           view.height == views.front().height;
  };
  if (views.size() != kViews || !std::ranges::all_of(views, is_alike)) {
    return fail(Errc::invalid_input, fmt::format("{} RGB views of one size expected", kViews));
  }
  return appraise(*networks_, views, prompt, scrutiny);
}

Result<std::optional<double>> Scorer::alignment(const image::Image& picture, std::string_view text,
                                                const std::stop_token& stop) {
  return alignment_of(*networks_, picture, text, stop);
}

std::vector<std::string> Scorer::missing_parts() const {
  std::vector<std::string> missing;
  if (!networks_->clip_image && !networks_->picture_tower) {
    missing.emplace_back("alignment");
  }
  if (!networks_->quality) {
    missing.emplace_back("quality");
  }
  if (!networks_->lpips) {
    missing.emplace_back("lpips");
  }
  return missing;
}

}  // namespace lode::scorer
