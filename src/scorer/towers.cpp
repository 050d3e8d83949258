#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/json.h"
#include "models/clip_text.h"
#include "models/clip_vision.h"
#include "models/convnext.h"
#include "models/open_clip_text.h"
#include "scorer/towers_internal.h"

namespace lode::scorer {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// Largest config file that is read; real ones are below 20 KB.
constexpr std::size_t kMaxConfigBytes = 1 << 20;

/// What the engine shrinks views to for open_clip's convnext_large_d, which was trained at 256.
constexpr std::int64_t kConvNextSide = 224;

/// Pictures that go through a tower at once: enough for the matrix products, few enough that
/// what lies between two layers stays in the caches.
constexpr std::int64_t kBatch = 4;

/// Where pictures and prompts are computed with CLIP's text length.
constexpr std::int64_t kClipTokens = 77;

fs::path folder_of(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored) ? path : path.parent_path();
}

template <class Parse>
auto parse_config(const fs::path& file, const Parse& parse) -> decltype(parse(Json())) {
  LODE_TRY(const Bytes bytes, read_file(file, kMaxConfigBytes));
  auto json = parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (!json) {
    return annotate(json.error(), file.string());
  }
  auto config = parse(*json);
  if (!config) {
    return annotate(config.error(), file.string());
  }
  return config;
}

/// The weights of open_clip's folders, which may hold another form of them besides.
Result<weights::Checkpoint> open_clip_weights(const fs::path& path) {
  const fs::path usual = path / "open_clip_model.safetensors";
  std::error_code ignored;
  return weights::Checkpoint::open(fs::exists(usual, ignored) ? usual : path);
}

/// `run` on a few rows at a time.
template <class Function>
Result<at::Tensor> in_batches(const at::Tensor& rows, const Function& run) {
  std::vector<at::Tensor> parts;
  for (std::int64_t first = 0; first < rows.size(0); first += kBatch) {
    LODE_TRY(parts.emplace_back(),
             run(rows.narrow(0, first, std::min(kBatch, rows.size(0) - first))));
  }
  return at::cat(parts);
}

at::TensorOptions on(const nn::Placement& placement) {
  return at::TensorOptions(placement.device).dtype(placement.compute);
}

at::Tensor unit_rows(const at::Tensor& features) {
  return models::normalised(features.to(at::kCPU, at::kFloat));
}

std::vector<double> to_doubles(const at::Tensor& values) {
  const at::Tensor plain = values.to(at::kCPU, at::kDouble).contiguous();
  return {plain.data_ptr<double>(), plain.data_ptr<double>() + plain.numel()};
}

}  // namespace

Result<bool> is_open_clip(const fs::path& path) {
  std::error_code ignored;
  const fs::path folder = folder_of(path);
  if (fs::exists(folder / "open_clip_config.json", ignored)) {
    return true;
  }
  if (fs::exists(folder / "config.json", ignored)) {
    return false;
  }
  return fail(Errc::not_found, fmt::format("{}: neither open_clip_config.json nor config.json: a "
                                           "CLIP folder of open_clip or Hugging Face expected",
                                           path.string()));
}

Result<ImageTower> ImageTower::open_hugging_face(const fs::path& path, Preparation preparation,
                                                 const nn::Placement& placement) {
  LODE_TRY(const auto config,
           parse_config(folder_of(path) / "config.json", models::parse_clip_vision_config));
  if (config.projection == 0) {
    return fail(Errc::unsupported,
                fmt::format("{}: a CLIP with a projection expected", path.string()));
  }
  LODE_TRY(const auto checkpoint, weights::Checkpoint::open(path));
  LODE_TRY(const auto network, Resident<models::ClipVision>::open(checkpoint, config, placement));
  ImageTower tower;
  tower.side_ = config.image_size;
  tower.width_ = config.projection;
  tower.preparation_ = preparation;
  tower.placement_ = placement;
  tower.run_ = [network](const at::Tensor& pixels,
                         const std::stop_token& stop) -> Result<at::Tensor> {
    LODE_TRY(const auto out, network->run(stop, pixels));
    return out.pooled;
  };
  return tower;
}

Result<ImageTower> ImageTower::open_convnext(const fs::path& path, Preparation preparation,
                                             const nn::Placement& placement) {
  LODE_TRY(const auto checkpoint, open_clip_weights(path));
  LODE_TRY(const auto config, models::convnext_config_of(checkpoint));
  LODE_TRY(const auto network, Resident<models::ConvNext>::open(checkpoint, config, placement));
  ImageTower tower;
  tower.side_ = kConvNextSide;
  tower.width_ = config.embedding;
  tower.preparation_ = preparation;
  tower.placement_ = placement;
  tower.run_ = [network](const at::Tensor& pixels, const std::stop_token& stop) {
    return network->run(stop, pixels);
  };
  return tower;
}

Result<at::Tensor> ImageTower::features(std::span<const image::Image> pictures,
                                        const std::stop_token& stop) const {
  LODE_TRY(const at::Tensor out,
           in_batches(clip_pixels(pictures, side_, preparation_), [&](const at::Tensor& pixels) {
             return run_(pixels.to(on(placement_)), stop);
           }));
  return unit_rows(out);
}

Result<TextTower> TextTower::open_hugging_face(const fs::path& path, const fs::path& tokenizer,
                                               const nn::Placement& placement) {
  LODE_TRY(const auto config,
           parse_config(folder_of(path) / "config.json", models::parse_clip_config));
  LODE_TRY(const auto checkpoint, weights::Checkpoint::open(path));
  LODE_TRY(const auto network,
           Resident<models::ClipText>::open(checkpoint, config.text, placement));
  LODE_TRY(auto ids, tokenize::ClipTokenizer::open(tokenizer));
  TextTower tower(std::move(ids));
  tower.positions_ = config.text.positions;
  tower.vocabulary_ = config.text.vocabulary;
  tower.width_ = config.text.projection;
  tower.placement_ = placement;
  tower.run_ = [network](const at::Tensor& tokens,
                         const std::stop_token& stop) -> Result<at::Tensor> {
    LODE_TRY(const auto out, network->run(stop, tokens));
    return out.pooled;
  };
  return tower;
}

Result<TextTower> TextTower::open_convnext(const fs::path& path, const fs::path& tokenizer,
                                           const nn::Placement& placement) {
  LODE_TRY(const auto config,
           parse_config(folder_of(path) / "open_clip_config.json", models::parse_open_clip_config));
  LODE_TRY(const auto checkpoint, open_clip_weights(path));
  LODE_TRY(const auto network, Resident<models::OpenClipText>::open(checkpoint, config, placement));
  LODE_TRY(auto ids, tokenize::ClipTokenizer::open(tokenizer, tokenize::ClipStyle::open_clip));
  TextTower tower(std::move(ids));
  tower.positions_ = config.positions;
  tower.vocabulary_ = config.vocabulary;
  tower.width_ = config.embedding;
  tower.placement_ = placement;
  tower.run_ = [network](const at::Tensor& tokens, const std::stop_token& stop) {
    return network->run(stop, tokens);
  };
  return tower;
}

Result<TextTower::Read> TextTower::read(std::string_view prompt,
                                        const std::stop_token& stop) const {
  const tokenize::Tokens tokens =
      tokenizer_.encode(prompt, static_cast<std::size_t>(std::min(positions_, kClipTokens)));
  const auto largest = std::ranges::max_element(tokens.ids);
  if (*largest >= vocabulary_) {
    return fail(
        Errc::invalid_input,
        fmt::format("the tokenizer gives id {}, CLIP's vocab_size is {}: they do not belong "
                    "together",
                    *largest, vocabulary_));
  }
  at::Tensor ids =
      at::empty({1, static_cast<std::int64_t>(tokens.ids.size())}, at::TensorOptions(at::kLong));
  std::ranges::copy(tokens.ids, ids.data_ptr<std::int64_t>());
  LODE_TRY(const at::Tensor out, run_(ids.to(placement_.device), stop));
  return Read{unit_rows(out), tokens.dropped};
}

Result<QualityJudge> QualityJudge::open(const fs::path& head, const fs::path& backbone,
                                        const nn::Placement& placement) {
  LODE_TRY(const auto config,
           parse_config(folder_of(backbone) / "config.json", models::parse_dinov2_config));
  std::error_code ignored;
  const fs::path file =
      fs::is_directory(head, ignored) ? head / "quality_scorer.safetensors" : head;
  LODE_TRY(const auto scorer, weights::Checkpoint::open(file));
  QualityJudge judge;
  LODE_TRY(judge.head_, Resident<models::QualityHead>::open(scorer, config.width, placement));
  // The engine loads the file over the published backbone, and not strictly.
  const bool is_tuned = scorer.find("backbone.embeddings.cls_token").has_value();
  std::optional<weights::Checkpoint> weights = scorer;
  if (!is_tuned) {
    LODE_TRY(weights, weights::Checkpoint::open(backbone));
  }
  LODE_TRY(judge.backbone_, Resident<models::Dinov2>::open(*weights, config, placement));
  return judge;
}

Result<std::vector<double>> QualityJudge::judge(std::span<const image::Image> pictures,
                                                const std::stop_token& stop) const {
  const nn::Placement& placement = backbone_->placement();
  const at::Tensor pixels = quality_pixels(pictures, backbone_->network().config().image_size);
  LODE_TRY(const at::Tensor features,
           in_batches(pixels, [&](const at::Tensor& some) -> Result<at::Tensor> {
             LODE_TRY(const at::Tensor hidden, backbone_->run(stop, some.to(on(placement))));
             return hidden.select(1, 0);
           }));
  LODE_TRY(const at::Tensor values, head_->run(stop, features));
  return to_doubles(values);
}

Result<LpipsJudge> LpipsJudge::open(const fs::path& path, const nn::Placement& placement) {
  fs::path features = path;
  fs::path head = path;
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    const bool is_alex = fs::exists(path / "alexnet.safetensors", ignored) ||
                         !fs::exists(path / "vgg16.safetensors", ignored);
    features = path / (is_alex ? "alexnet.safetensors" : "vgg16.safetensors");
    head = path / (is_alex ? "lpips_alex.safetensors" : "lpips_vgg.safetensors");
  }
  LODE_TRY(const auto trunk, weights::Checkpoint::open(features));
  LODE_TRY(const auto config, models::lpips_config_of(trunk));
  LODE_TRY(const auto lins, weights::Checkpoint::open(head));
  LpipsJudge judge;
  LODE_TRY(judge.features_, Resident<models::LpipsFeatures>::open(trunk, config, placement));
  LODE_TRY(judge.head_, Resident<models::LpipsHead>::open(lins, config, placement));
  return judge;
}

Result<std::vector<double>> LpipsJudge::neighbour_distances(std::span<const image::Image> pictures,
                                                            const std::stop_token& stop) const {
  const nn::Placement& placement = features_->placement();
  LODE_TRY(const std::vector<at::Tensor> levels,
           features_->run(stop, lpips_pixels(pictures).to(on(placement))));
  std::vector<at::Tensor> next;
  for (const at::Tensor& level : levels) {
    next.push_back(level.roll(-1, 0));
  }
  LODE_TRY(const at::Tensor distances, head_->run(stop, levels, next));
  return to_doubles(distances);
}

}  // namespace lode::scorer
