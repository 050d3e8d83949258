// The routes of the validators' own scoring service, version 2.4.0, so that this one can stand in
// for it. Source: 404-Repo/three-gen-subnet, validation/server and engine/data_structures.py.
#pragma once

#include <stop_token>

#include "base/http_message.h"
#include "pipeline/critic.h"

namespace lode::service {

/// The longest text prompt that the validators' service takes, in characters.
inline constexpr std::size_t kMaxScoredPrompt = 1024;

enum class PromptKind { text, picture };

/// POST /validate_txt_to_3d_ply/ and /validate_img_to_3d_ply/. JSON in: `data` (base64, required),
/// `compression` (0 PLY, the default, or 2 SPZ), `prompt` or `prompt_image` (base64; both may be
/// null), `generate_single_preview` (or `generate_preview`) and `generate_grid_preview` (false),
/// `preview_score_threshold` (0.6), and of our own, which others ignore, `score_floor`: below it
/// the score does not matter, so that judging may stop early. JSON out: `score`, `iqa`,
/// `alignment_score`, `ssim`, `lpips`, `preview` and `grid_preview` (base64 of a PNG, or null), and
/// of our own `judged`, `views`, `reason`, `discarded`: whether judging stopped early; then `score`
/// is foretold, at most the floor.
///
/// A field of a wrong type and a prompt that is too long are 422. Whatever else is wrong with
/// prompt or splat scores 0 with status 200, and `reason` says what. Previews are drawn when
/// score > preview_score_threshold: the view at 24 degrees, and the duel picture.
HttpResponse validate(const HttpRequest& request, PromptKind prompt, pipeline::Critic& judge,
                      const std::stop_token& stop);

/// POST /render_duel_view/ with `data`, `compression` and `prompt` (ignored): a PNG of 1041x1041,
/// four views of 518x518 with a black gap of 5. 400 for another compression, 500 for a splat that
/// cannot be read or fails the data checks.
HttpResponse render_duel_view(const HttpRequest& request, const std::stop_token& stop);

}  // namespace lode::service
