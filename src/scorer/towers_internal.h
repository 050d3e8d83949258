// The networks of the scoring engine, opened from folders and run.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "image/image.h"
#include "models/dinov2.h"
#include "models/lpips.h"
#include "nn/loader.h"
#include "nn/residency.h"
#include "scorer/preprocess_internal.h"
#include "tokenize/clip_tokenizer.h"

namespace lode::scorer {

/// A network and its weights. They are loaded when it first runs and stay, unless there is a memory
/// budget: each network then has all of it while it runs and gives it back.
template <class Network>
class Resident {
 public:
  /// Errors as of WeightBank::bind.
  template <class Config>
  static Result<std::shared_ptr<Resident>> open(const weights::Checkpoint& checkpoint,
                                                const Config& config,
                                                const nn::Placement& placement) {
    std::shared_ptr<Resident> made(new Resident(config, placement));
    LODE_TRY(made->bank_, nn::WeightBank::bind(made->set_, checkpoint, Network::load_rules()));
    return made;
  }

  /// The network on what `inputs` hold. Throws as forward passes do (nn::guard).
  template <class... Inputs>
  Result<std::invoke_result_t<const Network&, const Inputs&..., nn::Pass&>> run(
      const std::stop_token& stop, const Inputs&... inputs) {
    if (residency_ == nullptr) {
      LODE_TRY(residency_, nn::Residency::create(*bank_, network_.blocks(), placement_));
    }
    residency_->set_stop(stop);
    auto out = network_(inputs..., *residency_);
    if (placement_.memory_budget_bytes) {
      residency_.reset();
    }
    return out;
  }

  const Network& network() const { return network_; }
  const nn::Placement& placement() const { return placement_; }

 private:
  template <class Config>
  Resident(const Config& config, const nn::Placement& placement)
      : network_(config, set_.root()), placement_(placement) {}

  nn::ParameterSet set_;
  Network network_;
  nn::Placement placement_;
  std::optional<nn::WeightBank> bank_;
  std::unique_ptr<nn::Residency> residency_;
};

/// Pictures to features.
class ImageTower {
 public:
  /// The vision half of a CLIP folder of Hugging Face (LLM2CLIP's too).
  static Result<ImageTower> open_hugging_face(const std::filesystem::path& path,
                                              Preparation preparation,
                                              const nn::Placement& placement);
  /// That of an open_clip convnext folder or file, at the engine's 224 pixels.
  static Result<ImageTower> open_convnext(const std::filesystem::path& path,
                                          Preparation preparation, const nn::Placement& placement);

  /// [N, E] of unit length, float32 on the CPU.
  Result<at::Tensor> features(std::span<const image::Image> pictures,
                              const std::stop_token& stop) const;
  std::int64_t width() const { return width_; }

 private:
  using Run = std::function<Result<at::Tensor>(const at::Tensor&, const std::stop_token&)>;

  std::int64_t side_ = 0;
  std::int64_t width_ = 0;
  Preparation preparation_ = Preparation::engine;
  nn::Placement placement_;
  Run run_;
};

/// Prompts to features.
class TextTower {
 public:
  /// `tokenizer` is a folder with CLIP's vocabulary.
  static Result<TextTower> open_hugging_face(const std::filesystem::path& path,
                                             const std::filesystem::path& tokenizer,
                                             const nn::Placement& placement);
  static Result<TextTower> open_convnext(const std::filesystem::path& path,
                                         const std::filesystem::path& tokenizer,
                                         const nn::Placement& placement);

  struct Read {
    at::Tensor feature;       ///< [1, E] of unit length, float32 on the CPU
    std::size_t dropped = 0;  ///< tokens of the prompt that did not fit
  };
  /// Errc::invalid_input where the tokenizer knows ids that the network does not.
  Result<Read> read(std::string_view prompt, const std::stop_token& stop) const;
  std::int64_t width() const { return width_; }

 private:
  using Run = std::function<Result<at::Tensor>(const at::Tensor&, const std::stop_token&)>;
  explicit TextTower(tokenize::ClipTokenizer tokenizer) : tokenizer_(std::move(tokenizer)) {}

  tokenize::ClipTokenizer tokenizer_;
  std::int64_t positions_ = 0;
  std::int64_t vocabulary_ = 0;
  std::int64_t width_ = 0;
  nn::Placement placement_;
  Run run_;
};

/// Whether a CLIP path is open_clip's (an open_clip_config.json is there) rather than Hugging
/// Face's. Errc::not_found, naming both, where it is neither.
Result<bool> is_open_clip(const std::filesystem::path& path);

/// DINOv2 and the quality head.
class QualityJudge {
 public:
  /// `head`: quality_scorer.safetensors or a folder with it. `backbone`: a Dinov2Model folder, of
  /// which the head's own backbone, if it has one, replaces the weights.
  static Result<QualityJudge> open(const std::filesystem::path& head,
                                   const std::filesystem::path& backbone,
                                   const nn::Placement& placement);
  /// One value a picture, 0..1; all have one size.
  Result<std::vector<double>> judge(std::span<const image::Image> pictures,
                                    const std::stop_token& stop) const;

 private:
  std::shared_ptr<Resident<models::Dinov2>> backbone_;
  std::shared_ptr<Resident<models::QualityHead>> head_;
};

/// LPIPS.
class LpipsJudge {
 public:
  /// A folder with alexnet.safetensors and lpips_alex.safetensors (or vgg16 and lpips_vgg), or one
  /// file that holds all of it.
  static Result<LpipsJudge> open(const std::filesystem::path& path, const nn::Placement& placement);
  /// Distances of each picture to the next, the last to the first; all have one size.
  Result<std::vector<double>> neighbour_distances(std::span<const image::Image> pictures,
                                                  const std::stop_token& stop) const;

 private:
  std::shared_ptr<Resident<models::LpipsFeatures>> features_;
  std::shared_ptr<Resident<models::LpipsHead>> head_;
};

/// The features of the last prompts; the least recently used is forgotten.
template <class Value>
class RecentlyUsed {
 public:
  explicit RecentlyUsed(std::size_t capacity) : capacity_(capacity) {}
  /// Null where unknown; valid until the next put.
  const Value* find(std::string_view key) {
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
      if (entry->first == key) {
        entries_.splice(entries_.begin(), entries_, entry);
        return &entries_.front().second;
      }
    }
    return nullptr;
  }
  void put(std::string key, Value value) {
    entries_.emplace_front(std::move(key), std::move(value));
    if (entries_.size() > capacity_) {
      entries_.pop_back();
    }
  }

 private:
  std::size_t capacity_;
  std::list<std::pair<std::string, Value>> entries_;  // last used first
};

}  // namespace lode::scorer
