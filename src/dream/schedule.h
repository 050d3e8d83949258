// What a preset means for a subject and a moment: the start, the views, the rates.
#pragma once

#include <cstddef>

#include "base/result.h"
#include "base/rng.h"
#include "dream/guidance.h"
#include "dream/preset.h"
#include "fit/adam.h"
#include "fit/densify.h"
#include "splat/cloud.h"

namespace lode::dream {

/// Gaussians as DreamGaussian begins with: `count` uniform in a ball of radius 0.5, as wide as the
/// root mean square distance to the three nearest, round, opacity 0.1, grey (f_dc 0..1/255).
splat::GaussianCloud start_blob(std::size_t count, int sh_degree, Rng rng);

/// A random view's width and height at this progress (0..1): 128 below 0.3, 256 below 0.6, 512.
int view_size(double progress);

/// The elevations that random views are drawn from, degrees relative to the known view's, integers
/// of [min, max): the preset's range, grown to cover it as seen from the known view's elevation,
/// and never beyond 80 degrees from the horizon.
struct ElevationRange {
  int min = 0, max = 0;
};
ElevationRange elevation_range(const Preset& preset, float known_elevation_deg);

/// Learning rates at a schedule's position (its steps, see Pace): positions' falls on a straight
/// line of its logarithm over position_lr_max_steps, kSpatialRate included; the others stay.
fit::LearningRates learning_rates(const Preset& preset, double position);

/// The references' densification, with its constants: extent 4, least opacity 0.01.
fit::DensifyOptions densify_options(const Preset& preset);

/// A random view: three numbers drawn in the references' order.
struct RandomView {
  int elevation_deg = 0;  ///< relative to the known view's
  int azimuth_deg = 0;    ///< -180..179
  bool is_white = true;   ///< the background, else black
};
RandomView draw_view(const Preset& preset, const ElevationRange& range, Rng& rng);

/// A random view's camera, turned by `turn` quarters of a circle.
render::Orbit view_orbit(const Preset& preset, float known_elevation_deg, const RandomView& view,
                         int turn, int size);

/// Where the known view is seen from.
render::Orbit known_orbit(const Subject& subject, const Preset& preset);

/// Checks that a subject can be optimised: a picture is RGBA, square, and neither empty, nearly
/// empty (a thousandth) nor without any transparent pixel; the elevation is within 80 degrees of
/// the horizon; there is a picture or a prompt. Errc::invalid_input says which.
Result<void> check_subject(const Subject& subject);

/// Whether a square RGBA picture's subject reaches its border, where it is probably cut off.
bool touches_border(const image::Image& picture);

}  // namespace lode::dream
