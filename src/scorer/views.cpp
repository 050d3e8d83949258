#include "scorer/views.h"

namespace lode::scorer {

ViewDrawer::ViewDrawer(splat::Scene scene, int threads)
    : scene_(std::move(scene)),
      pool_(threads),
      renderer_(pool_),
      cameras_(render::validator_cameras(kViewSide)) {
  splat::frame(scene_);
}

Result<image::Image> ViewDrawer::draw(int view, const std::stop_token& stop) {
  if (stop.stop_requested()) {
    return fail(Errc::cancelled, "scoring was cancelled");
  }
  renderer_.draw(scene_, cameras_[static_cast<std::size_t>(view)], {}, frame_);
  return render::to_image(frame_);
}

Result<std::vector<image::Image>> draw_views(splat::Scene scene, int threads,
                                             const std::stop_token& stop) {
  ViewDrawer drawer(std::move(scene), threads);
  std::vector<image::Image> views;
  for (int i = 0; i + 1 < kViews; ++i) {
    LODE_TRY(views.emplace_back(), drawer.draw(i, stop));
  }
  views.push_back(views.front());
  return views;
}

}  // namespace lode::scorer
