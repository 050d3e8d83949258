#include "scorer/views.h"

#include "render/render.h"

namespace lode::scorer {

Result<std::vector<image::Image>> draw_views(splat::Scene scene, int threads,
                                             const std::stop_token& stop) {
  splat::frame(scene);
  ThreadPool pool(threads);
  render::Renderer renderer(pool);
  render::Frame frame;
  std::vector<image::Image> views;
  const std::vector<render::Camera> cameras = render::validator_cameras(kViewSide);
  for (int i = 0; i + 1 < kViews; ++i) {
    if (stop.stop_requested()) {
      return fail(Errc::cancelled, "scoring was cancelled");
    }
    renderer.draw(scene, cameras[i], {}, frame);
    views.push_back(render::to_image(frame));
  }
  views.push_back(views.front());
  return views;
}

}  // namespace lode::scorer
