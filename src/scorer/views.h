// The pictures of a splat that the validators' engine looks at.
#pragma once

#include <stop_token>
#include <vector>

#include "base/result.h"
#include "image/image.h"
#include "splat/cloud.h"

namespace lode::scorer {

inline constexpr int kViews = 16;
inline constexpr int kViewSide = 518;  ///< pixels

/// Frames the scene as the validators do and draws their views on `threads` threads: kViews RGB
/// pictures, of which the last is the first again (their azimuths end at 360 degrees). Colours are
/// clipped and truncated to 8 bits as theirs. Errc::cancelled after a stop, which is looked at
/// between views.
Result<std::vector<image::Image>> draw_views(splat::Scene scene, int threads,
                                             const std::stop_token& stop = {});

}  // namespace lode::scorer
