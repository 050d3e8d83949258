// Self-validation: the score a submission would get, from the exact bytes that would be sent.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "image/image.h"
#include "splat/cloud.h"

namespace lode::judge {

/// How well one object matches another from the validators' viewpoints.
struct Comparison {
  double score = 0;           ///< 0..1; 0.6 separates the right object from a wrong one
  std::vector<double> views;  ///< one value per distinct viewpoint, before they are combined
};

/// Renders both scenes (framed as the validators frame) from the validators' distinct views and
/// compares silhouette, coarse structure and colour. The formula is in judge/README.md.
Comparison compare(const splat::Scene& candidate, const splat::Scene& reference);

/// The outcome of judging one submission.
struct Verdict {
  double score = 0;           ///< 0..1, to be held against the task's validation_threshold
  double alignment = 0;       ///< the part that compares with the prompt
  std::vector<double> views;  ///< per-view values behind the alignment; may be empty
  std::string reason;         ///< one line for people: what decided the score
};

/// Decodes an SPZ by the validators' rules, runs their data checks, and compares the result with
/// what the sketch's own vocabulary says the prompt looks like. A prompt that the sketch does not
/// understand scores low: it cannot vouch for it.
Verdict judge_text(ByteView spz, std::string_view prompt);

/// As judge_text for a picture prompt: the splat seen from the front is held against the picture.
Verdict judge_image(ByteView spz, const image::Image& prompt);

}  // namespace lode::judge
