// The procedural generator: everyday objects from prompts, and cut-out pictures lifted to 3D.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/rng.h"
#include "image/image.h"
#include "splat/cloud.h"

namespace lode::sketch {

/// Whether words such as "slender" or "squat" pull the object out of its usual proportions.
enum class Proportion { normal, tall, wide };

/// One object of a scene as the words of a prompt give it.
struct ObjectSpec {
  std::string noun;                  ///< canonical name from nouns(), e.g. "mug"
  std::vector<std::string> colours;  ///< canonical colour names, main colour first; may be empty
  std::string material;              ///< canonical material name or empty
  double size = 1.0;                 ///< relative scale from size words (tiny 0.5 ... huge 1.6)
  Proportion proportion = Proportion::normal;
  int count = 1;  ///< 1..6
  bool operator==(const ObjectSpec&) const = default;
};

/// How the second object stands to the first.
enum class Relation {
  none,
  on,
  with
};  // "A on B", "A in B": A rests on B; "A with B": beside each other

struct SceneSpec {
  ObjectSpec subject;
  Relation relation = Relation::none;
  ObjectSpec other;  ///< meaningful unless relation is none
  bool operator==(const SceneSpec&) const = default;
};

/// What the parser made of a prompt, and how much of it.
struct Understanding {
  SceneSpec scene;
  double confidence = 0;  ///< 0..1: share of the prompt's content that the sketch can draw; 0 when
                          ///< the main noun is unknown
  std::vector<std::string> unknown_words;  ///< content words that were not understood
};

/// How much of a prompt is read, in bytes; the subnet's own limit is 1024 characters.
inline constexpr std::size_t kMaxPromptBytes = 2048;

/// Reads a prompt (its first kMaxPromptBytes). Never fails: what is not understood lowers the
/// confidence.
Understanding parse_prompt(std::string_view prompt);

/// The objects that can be drawn, canonical names in alphabetical order; at least 24.
std::vector<std::string> nouns();

/// A scene drawn at random from the sketch's vocabulary, and a prompt in varied wording for which
/// parse_prompt gives back the same scene with confidence 1.
SceneSpec random_scene(Rng& rng);
std::string describe(const SceneSpec& scene, Rng& rng);

inline constexpr std::size_t kFewestGaussians = 10'000;
inline constexpr std::size_t kMostGaussians = 60'000;

struct Options {
  std::size_t gaussians = 30'000;  ///< target count, clamped to the bounds above; met within 10 %
  /// Looked at every few milliseconds. After a requested stop what `build` returns means nothing;
  /// `lift` ends with Errc::cancelled.
  std::stop_token stop{};
};

/// Builds the scene: longest side about 1.5, centred about the origin, front towards +Z. `seed`
/// varies proportions and details within the object's kind; the same scene, seed and options give
/// the same bytes on every machine. Empty when the subject's noun is not one of nouns().
splat::GaussianCloud build(const SceneSpec& scene, std::uint64_t seed, const Options& options = {});

/// Lifts a picture to gaussians: the subject's silhouette (alpha where the picture has any,
/// otherwise what differs from the border's colour) is inflated, the picture's colours are put on
/// the front and a plausible continuation on the back. Errc::invalid_input when no subject can be
/// found (empty or full mask), Errc::cancelled after a requested stop.
Result<splat::GaussianCloud> lift(const image::Image& picture, std::uint64_t seed,
                                  const Options& options = {});

}  // namespace lode::sketch
