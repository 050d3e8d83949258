#include "dream/schedule.h"

#include <algorithm>
#include <cmath>

#include "fit/start.h"

namespace lode::dream {
namespace {

constexpr float kBallRadius = 0.5F;
constexpr float kStartOpacity = 0.1F;
/// Random views stay this near to the horizon.
constexpr float kMostElevation = 80;
/// Alpha (0..255) from which a pixel belongs to the subject, and the share of such pixels below
/// which a mask says nothing: 65 pixels of 256x256.
constexpr int kSolidAlpha = 128;
constexpr std::size_t kFewestSolidShare = 1000;

}  // namespace

splat::GaussianCloud start_blob(std::size_t count, int sh_degree, Rng rng) {
  splat::GaussianCloud cloud;
  cloud.sh_degree = sh_degree;
  cloud.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    cloud.positions[i] = fit::random_in_ball(kBallRadius, rng);
    for (int c = 0; c < 3; ++c) {
      cloud.f_dc[i][c] = static_cast<float>(rng.uniform() / 255);
    }
    cloud.opacity_logits[i] = splat::logit(kStartOpacity);
  }
  const std::vector<float> scales = fit::neighbour_log_scales(cloud.positions);
  for (std::size_t i = 0; i < count; ++i) {
    cloud.log_scales[i] = glm::vec3(scales[i]);
  }
  return cloud;
}

int view_size(double progress) {
  if (progress < 0.3) {
    return 128;
  }
  return progress < 0.6 ? 256 : 512;
}

ElevationRange elevation_range(const Preset& preset, float known_elevation_deg) {
  const float known = known_elevation_deg;
  const auto least = static_cast<float>(preset.min_ver), most = static_cast<float>(preset.max_ver);
  const float low = std::max(std::min(least, least - known), -kMostElevation - known);
  const float high = std::min(std::max(most, most - known), kMostElevation - known);
  return {static_cast<int>(std::ceil(low)), static_cast<int>(std::floor(high))};
}

fit::LearningRates learning_rates(const Preset& preset, double position) {
  const double t = std::clamp(position / preset.position_lr_max_steps, 0.0, 1.0);
  const double first = std::log(preset.position_lr_init * kSpatialRate);
  const double last = std::log(preset.position_lr_final * kSpatialRate);
  return {.position = static_cast<float>(std::exp(first * (1 - t) + last * t)),
          .f_dc = static_cast<float>(preset.feature_lr),
          .sh_rest = static_cast<float>(preset.feature_lr / 20),
          .opacity = static_cast<float>(preset.opacity_lr),
          .scale = static_cast<float>(preset.scaling_lr),
          .rotation = static_cast<float>(preset.rotation_lr)};
}

fit::DensifyOptions densify_options(const Preset& preset) {
  fit::DensifyOptions options;
  options.gradient_threshold = static_cast<float>(preset.densify_grad_threshold);
  options.extent = 4;
  options.percent_dense = static_cast<float>(preset.percent_dense);
  options.min_opacity = 0.01F;
  return options;
}

RandomView draw_view(const Preset& preset, const ElevationRange& range, Rng& rng) {
  RandomView view;
  const int elevations = std::max(1, range.max - range.min);
  view.elevation_deg =
      range.min + static_cast<int>(rng.below(static_cast<std::uint64_t>(elevations)));
  view.azimuth_deg = static_cast<int>(rng.below(360)) - 180;
  view.is_white = rng.uniform() >= preset.invert_bg_prob;
  return view;
}

render::Orbit view_orbit(const Preset& preset, float known_elevation_deg, const RandomView& view,
                         int turn, int size) {
  return {.azimuth_deg = static_cast<float>(view.azimuth_deg + 90 * turn),
          .elevation_deg = known_elevation_deg + static_cast<float>(view.elevation_deg),
          .radius = static_cast<float>(preset.radius),
          .fov_deg = static_cast<float>(preset.fovy),
          .size = size};
}

render::Orbit known_orbit(const Subject& subject, const Preset& preset) {
  return view_orbit(preset, subject.elevation_deg, {}, 0, preset.ref_size);
}

Result<void> check_subject(const Subject& subject) {
  if (!(std::abs(subject.elevation_deg) <= kMostElevation)) {
    return fail(Errc::invalid_input, "subject: an elevation from -80 to 80 degrees was expected");
  }
  const image::Image& picture = subject.picture;
  if (picture.width == 0) {
    return subject.prompt.empty()
               ? Result<void>(fail(Errc::invalid_input, "subject: a picture or a prompt expected"))
               : Result<void>();
  }
  if (picture.channels != 4 || picture.width != picture.height) {
    return fail(Errc::invalid_input, "subject: a square cut-out with alpha was expected");
  }
  const std::size_t pixels = picture.pixels.size() / 4;
  std::size_t solid = 0;
  for (std::size_t i = 0; i < pixels; ++i) {
    solid += picture.pixels[4 * i + 3] >= kSolidAlpha ? 1U : 0U;
  }
  if (solid * kFewestSolidShare < pixels) {
    return fail(Errc::invalid_input,
                "subject: its mask is empty or nearly so: " + std::to_string(solid) + " of " +
                    std::to_string(pixels) + " pixels");
  }
  if (solid == pixels) {
    return fail(Errc::invalid_input,
                "subject: its mask covers the whole picture, a cut-out was expected");
  }
  return {};
}

bool touches_border(const image::Image& picture) {
  const auto is_solid = [&](int x, int y) { return picture.at(x, y)[3] >= kSolidAlpha; };
  for (int i = 0; i < picture.width; ++i) {
    const int last = picture.width - 1;
    if (is_solid(i, 0) || is_solid(i, last) || is_solid(0, i) || is_solid(last, i)) {
      return true;
    }
  }
  return false;
}

}  // namespace lode::dream
