// The score that the subnet's validators would give a splat, by their own engine's parts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "image/image.h"
#include "nn/compute.h"
#include "score/breakdown.h"
#include "score/formula.h"
#include "splat/cloud.h"

namespace lode::scorer {

/// Where the weights are. An empty path: that part is not judged.
struct ScorerFolders {
  /// open_clip's convnext_large_d (the validators'), a folder with open_clip_config.json, or a
  /// CLIPModel of Hugging Face (ViT-B/32, ViT-L/14); or the weight file in such a folder.
  std::filesystem::path clip;
  /// CLIP's vocabulary; empty: in `clip` or its folder "tokenizer".
  std::filesystem::path tokenizer;
  /// LLM2CLIP-Openai-L-14-336 or another CLIP of Hugging Face, for prompts that are pictures;
  /// empty: `clip` judges them too.
  std::filesystem::path image_tower;
  /// quality_scorer.safetensors, or a folder with it.
  std::filesystem::path quality;
  /// The Dinov2Model folder for it; empty: the quality folder or its folder "dinov2".
  std::filesystem::path dinov2;
  /// alexnet.safetensors and lpips_alex.safetensors in a folder, or one file with both.
  std::filesystem::path lpips;
};

/// What networks compute in. `automatic`: float32 on a processor, bfloat16 on a GPU.
using nn::Compute;

struct ScorerOptions {
  std::string device = "auto";  ///< "cpu", "cuda", "cuda:1", or "auto": the first GPU, else "cpu"
  Compute compute = Compute::automatic;
  /// Most bytes of weights on the device at any time; nothing: all stay loaded.
  std::optional<std::uint64_t> memory_budget_bytes;
  int threads = 0;  ///< that draw views and compare them; 0: one a core. libtorch has its own.
  /// Whether the towers of CLIP get pictures rounded to float16, as the validators' do.
  bool half_inputs = true;
  std::size_t cached_prompts = 256;  ///< whose features are kept, some KB each
};

/// What a splat is judged by: a text, or a picture where that is set.
struct Prompt {
  std::string_view text;
  const image::Image* picture = nullptr;
};

/// How far to judge.
struct Scrutiny {
  Scrutiny(std::stop_token stop_in = {}, std::optional<double> floor_in = {})
      : stop(std::move(stop_in)), floor(floor_in) {}

  std::stop_token stop;
  /// Below this the score does not matter, nor do the parts of a score of 0. Then
  /// score::kProxyViews are drawn and judged first and the rest only when they may yet reach the
  /// floor; and after the alignment of all views, which costs little, quality is left out where it
  /// cannot help (score/proxy.h). Nothing is computed twice. With a memory budget, networks are
  /// loaded twice.
  /// 0 stops at sure zeros alone.
  std::optional<double> floor;
};

/// Seconds that the parts took.
struct StageSeconds {
  double draw = 0, prompt = 0, alignment = 0, quality = 0, ssim = 0, lpips = 0;
};

/// A score that explains itself.
struct Verdict {
  /// To be held against a task's validation_threshold; not clamped. Of all four parts it is the
  /// validators' number; of fewer, score::final_score's extrapolation. 0 for what they refuse.
  /// Nothing when neither alignment nor quality could be judged: the data checks passed, that is
  /// all.
  std::optional<double> value;
  /// It will not reach the floor: `value` is foretold, at most the floor; `components` and `views`
  /// are of what was looked at.
  bool is_discarded = false;
  score::Components components;
  score::ViewValues views;  ///< kViews each, of the parts judged; fewer when discarded
  /// What `value` would be if all views were like this one; kViews; empty when
  /// discarded and where there is no `value`.
  std::vector<double> view_scores;
  std::vector<std::string> refusals;  ///< why the validators would not even look at it
  std::vector<std::string> notes;     ///< what was done otherwise than they do
  std::string line;                   ///< the score and its reasons, for people
  StageSeconds seconds;
};

class Networks;

/// Used by one thread at a time. After any error it can be used again.
class Scorer {
 public:
  /// Reads configs, names and shapes, no weights. Errors name the file; a path that is given and
  /// does not hold what it should is an error, not a part that is left out.
  static Result<Scorer> open(const ScorerFolders& folders, const ScorerOptions& options = {});

  Scorer(Scorer&&) noexcept;
  Scorer& operator=(Scorer&&) noexcept;
  ~Scorer();

  /// The SPZ as it would be sent, decoded and checked by the validators' rules. Errors:
  /// Errc::cancelled, Errc::out_of_resource, weights that turn out damaged. A bad splat is no
  /// error: it scores 0. Nor is an empty prompt, which the validators' networks read like any
  /// other.
  Result<Verdict> score(ByteView spz, const Prompt& prompt, const Scrutiny& scrutiny = {});
  /// The same of gaussians as validators load them; framed here.
  Result<Verdict> score(const splat::Scene& scene, const Prompt& prompt,
                        const Scrutiny& scrutiny = {});
  /// The same of pictures: kViews of one size, RGB, in the validators' order.
  Result<Verdict> score(std::span<const image::Image> views, const Prompt& prompt,
                        const Scrutiny& scrutiny = {});

  /// How well one picture of any size shows what a text says: score::text_alignment of its cosine.
  /// Nothing without CLIP. Errors as of score().
  Result<std::optional<double>> alignment(const image::Image& picture, std::string_view text,
                                          const std::stop_token& stop = {});

  /// Names of the parts that cannot be judged for want of weights: "alignment", "quality", "lpips".
  std::vector<std::string> missing_parts() const;

 private:
  explicit Scorer(std::unique_ptr<Networks> networks);

  std::unique_ptr<Networks> networks_;
};

}  // namespace lode::scorer
