// Frames as 8-bit pictures, and pictures of several views.
#include <algorithm>
#include <cmath>

#include "render/render.h"

namespace lode::render {
namespace {

std::uint8_t truncate(float value) {
  return static_cast<std::uint8_t>(255.0F * std::clamp(value, 0.0F, 1.0F));
}

std::uint8_t round_to_byte(float value) {
  return static_cast<std::uint8_t>(std::lround(255.0F * std::clamp(value, 0.0F, 1.0F)));
}

std::vector<image::Image> render_views(const splat::Scene& scene,
                                       const std::vector<Camera>& cameras,
                                       const RenderOptions& options) {
  ThreadPool pool(options.threads);
  Renderer renderer(pool);
  Frame frame;
  std::vector<image::Image> views;
  views.reserve(cameras.size());
  for (const Camera& camera : cameras) {
    renderer.draw(scene, camera, {.background = options.background}, frame);
    views.push_back(to_image(frame));
  }
  return views;
}

}  // namespace

image::Image to_image(const Frame& frame) {
  image::Image image(frame.width, frame.height, 3);
  std::transform(frame.rgb.begin(), frame.rgb.end(), image.pixels.begin(), truncate);
  return image;
}

image::Image to_cutout(const Frame& frame_over_black) {
  const Frame& frame = frame_over_black;
  image::Image image(frame.width, frame.height, 4);
  for (std::size_t i = 0; i < frame.alpha.size(); ++i) {
    const float alpha = frame.alpha[i];
    for (int c = 0; c < 3; ++c) {
      const float value = alpha > 0 ? frame.rgb[i * 3 + c] / alpha : 0;
      image.pixels[i * 4 + c] = round_to_byte(value);
    }
    image.pixels[i * 4 + 3] = round_to_byte(alpha);
  }
  return image;
}

image::Image contact_sheet(const splat::Scene& scene, int size, const RenderOptions& options) {
  return image::tile(render_views(scene, validator_cameras(size), options), 4, 0, {0, 0, 0});
}

image::Image duel_grid(const splat::Scene& scene, const RenderOptions& options) {
  return image::tile(render_views(scene, duel_cameras(), options), 2, 5, {0, 0, 0});
}

}  // namespace lode::render
