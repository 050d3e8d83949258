// Self-validation: the score a submission would get, from the exact bytes that would be sent.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "image/image.h"
#include "splat/cloud.h"

namespace lode::judge {

/// How well one object matches another from the validators' viewpoints.
struct Comparison {
  double score = 0;           ///< 0..1; 0.6 separates the right object from a wrong one
  std::vector<double> views;  ///< one value per distinct viewpoint, before they are combined
};

/// Which views count how much when they are combined.
enum class Emphasis {
  all_round,  ///< all alike: the whole object is known from a description
  front       ///< the nearer to azimuth 0, the more: a picture shows one side
};

struct CompareOptions {
  Emphasis emphasis = Emphasis::all_round;
  /// Looked at between views; once a stop is requested, the result means nothing.
  std::stop_token stop{};
  /// Called after each view.
  std::function<void()> on_view{};
};

/// Draws both scenes (framed here as the validators frame) from the validators' 15 distinct
/// viewpoints and compares silhouette, coarse structure and colour. Position and size in the view
/// do not matter. The formula is in judge/README.md. About 0.1 s for two scenes of 30,000.
Comparison compare(const splat::Scene& candidate, const splat::Scene& reference,
                   const CompareOptions& options = {});

/// Decodes an SPZ as the validators do (zstd container only), runs their data checks on what comes
/// out, and returns it activated. The error says what they would refuse it for.
Result<splat::Scene> open_submission(ByteView spz);

/// The outcome of judging one submission.
struct Verdict {
  double score = 0;           ///< 0..1, to be held against the task's validation_threshold
  double alignment = 0;       ///< the part that compares with the prompt
  std::vector<double> views;  ///< per-view values behind the alignment; may be empty
  std::string reason;         ///< one line for people: what decided the score
};

/// Decodes an SPZ by the validators' rules, runs their data checks, and compares the result with
/// what the sketch's own vocabulary says the prompt looks like. A prompt that the sketch does not
/// understand scores low: it cannot vouch for it. The only error is Errc::cancelled, after a
/// requested stop, which is looked at between views and while objects are drawn.
Result<Verdict> judge_text(ByteView spz, std::string_view prompt, const std::stop_token& stop = {});

/// The same of a scene that is already open: activated and through the data checks.
Result<Verdict> judge_text(const splat::Scene& candidate, std::string_view prompt,
                           const std::stop_token& stop = {});

/// As judge_text for a picture prompt: the splat seen from the front is held against the picture's
/// subject (cutout::subject_of). A second or so longer for a picture without alpha.
Result<Verdict> judge_image(ByteView spz, const image::Image& prompt,
                            const std::stop_token& stop = {});
Result<Verdict> judge_image(const splat::Scene& candidate, const image::Image& prompt,
                            const std::stop_token& stop = {});

}  // namespace lode::judge
