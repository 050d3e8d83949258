// How far a drawn frame is from the picture of the subject.
#include "base/assert.h"
#include "dream/known_view_internal.h"
#include "dream/schedule.h"
#include "fit/dataset.h"

namespace lode::dream {
namespace {

constexpr double kRgbWeight = 10'000, kAlphaWeight = 1000;

/// The mean squared error, and its derivative times `weight`.
double mean_square(const std::vector<float>& drawn, const std::vector<float>& target, double weight,
                   std::vector<float>& gradient) {
  LODE_ASSERT(drawn.size() == target.size(), "the target has the frame's size");
  const auto count = static_cast<double>(drawn.size());
  const auto factor = static_cast<float>(2 * weight / count);
  gradient.resize(drawn.size());
  double sum = 0;
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    const float delta = drawn[i] - target[i];
    gradient[i] = factor * delta;
    sum += static_cast<double>(delta * delta);
  }
  return sum / count;
}

}  // namespace

KnownView::KnownView(const Subject& subject, const Preset& preset)
    : camera_(render::orbit_camera(known_orbit(subject, preset))),
      warms_up_(preset.warmup_rgb_loss) {
  fit::to_target(image::resize(subject.picture, preset.ref_size, preset.ref_size), glm::vec3(1),
                 rgb_, alpha_);
}

double KnownView::evaluate(const render::Frame& frame, double progress) {
  const double k = warms_up_ ? progress : 1;
  const double rgb = mean_square(frame.rgb, rgb_, kRgbWeight * k, rgb_gradient_);
  const double alpha = mean_square(frame.alpha, alpha_, kAlphaWeight * k, alpha_gradient_);
  plain_loss_ = rgb + alpha / 10;
  return k * (kRgbWeight * rgb + kAlphaWeight * alpha);
}

}  // namespace lode::dream
