// Who tells the optimiser how a splat should look from where no picture shows it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "image/image.h"
#include "render/camera.h"

namespace lode::dream {

/// What is to become a splat: a picture, a prompt, or both.
struct Subject {
  /// RGBA, square, the subject framed in its middle (cutout::frame_subject); 0 x 0 where there is
  /// a prompt alone.
  image::Image picture;
  std::string prompt;  ///< UTF-8; empty where there is a picture alone
  /// From where the picture shows the subject, in render::Orbit's sign: negative is above. Its
  /// azimuth is 0.
  float elevation_deg = 0;
};

/// A drawn frame and where it was drawn from.
struct DrawnView {
  render::Orbit orbit;         ///< `size` is the frame's width and height
  std::span<const float> rgb;  ///< [size, size, 3], background included, not clamped
};

/// Where in the optimisation a question is asked.
struct GuidanceStep {
  int number = 1;       ///< the step, from 1; with the seed it says which noise is drawn
  double progress = 0;  ///< the share of the schedule that is done with this step, above 0 to 1
};

/// A diffusion model's opinion of one subject, by score distillation. Used by one thread at a time.
class Guidance {
 public:
  virtual ~Guidance() = default;
  virtual std::string_view name() const = 0;

  /// How many views it looks at together: 1, or 4 that are 90 degrees of azimuth apart.
  virtual int views_together() const = 0;

  /// The loss's derivative by the pixels of every view, [size, size, 3] each, into `gradients`,
  /// which has an element a view; returns the loss, for display. The number of views is a multiple
  /// of views_together(), those that belong together side by side. Derivatives that are not finite
  /// are 0, as the references have it. The same subject, seed, step and views give the same bytes.
  /// Errc::cancelled soon after a stop was requested, Errc::out_of_resource for lack of memory,
  /// damaged weights as their loader reports them.
  virtual Result<double> differentiate(std::span<const DrawnView> views, const GuidanceStep& step,
                                       std::span<std::vector<float>> gradients,
                                       const std::stop_token& stop) = 0;
};

/// Loaded weights, for one subject after the other.
class GuidanceModel {
 public:
  virtual ~GuidanceModel() = default;
  virtual std::string_view name() const = 0;
  virtual bool needs_picture() const = 0;  ///< else it needs the prompt

  /// Looks at the subject once. The model must outlive the guidance. Errc::invalid_input when the
  /// subject lacks what the model needs; otherwise errors as of Guidance::differentiate.
  virtual Result<std::unique_ptr<Guidance>> begin(const Subject& subject, std::uint64_t seed,
                                                  const std::stop_token& stop) = 0;
};

/// A picture that a model drew of how the subject looks from there.
struct SampledView {
  render::Orbit orbit;   ///< `size` is the picture's width and height
  image::Image picture;  ///< RGB over white
};

/// A multi-view diffusion model, which draws a subject from several sides at once, consistently.
class ViewSampler {
 public:
  virtual ~ViewSampler() = default;
  virtual std::string_view name() const = 0;
  virtual bool needs_picture() const = 0;  ///< else it needs the prompt

  /// `progress` hears of denoising steps done and of how many. Same subject and seed, same bytes.
  /// Errors as of GuidanceModel::begin.
  virtual Result<std::vector<SampledView>> sample(const Subject& subject, std::uint64_t seed,
                                                  const std::function<void(int, int)>& progress,
                                                  const std::stop_token& stop) = 0;
};

}  // namespace lode::dream
