// The pictures of a splat that the validators' engine looks at.
#pragma once

#include <stop_token>
#include <vector>

#include "base/result.h"
#include "base/thread_pool.h"
#include "image/image.h"
#include "render/camera.h"
#include "render/render.h"
#include "splat/cloud.h"

namespace lode::scorer {

inline constexpr int kViews = 16;
inline constexpr int kViewSide = 518;  ///< pixels

/// Draws the validators' views of one splat: RGB, colours clipped and truncated to 8 bits as
/// theirs.
class ViewDrawer {
 public:
  /// Frames the scene as the validators do; draws on `threads` threads.
  ViewDrawer(splat::Scene scene, int threads);

  /// View 0..kViews-1, of which the last is the first again (their azimuths end at 360 degrees).
  /// Errc::cancelled after a stop.
  Result<image::Image> draw(int view, const std::stop_token& stop);

 private:
  splat::Scene scene_;
  ThreadPool pool_;
  render::Renderer renderer_;
  render::Frame frame_;
  std::vector<render::Camera> cameras_;
};

/// All kViews, the last a copy of the first. Errors as ViewDrawer::draw().
Result<std::vector<image::Image>> draw_views(splat::Scene scene, int threads,
                                             const std::stop_token& stop = {});

}  // namespace lode::scorer
