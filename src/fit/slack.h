// What views may be wrong by: a camera that stands a little off, a picture that is a little too
// bright.
#pragma once

#include <cstddef>
#include <cstdint>
#include <glm/vec3.hpp>
#include <span>
#include <vector>

#include "fit/dataset.h"
#include "render/render.h"

namespace lode::fit {

/// Pictures that a diffusion model drew agree only roughly; what they disagree in must not end up
/// as haze in the cloud. Zero rates: nothing is corrected.
struct SlackOptions {
  /// Learning rate of a camera's turn about the scene's centre, radians, and of its shift, world
  /// units. Adam with this module's betas.
  float turn_rate = 0, shift_rate = 0;
  float most_turn = 0.1F, most_shift = 0.1F;  ///< each axis, radians and world units
  /// Share by which a view's gain goes to the one that fits best, every time it is stepped on.
  float gain_rate = 0;
  float most_gain = 1.5F;  ///< each channel lies in 1 / most_gain .. most_gain
};

/// The corrections of every view of a dataset. Those of views with `is_exact` stay nothing; where
/// there is no such view, the mean correction of all views does, since a turn or a gain that all
/// share is the object's own.
class ViewSlack {
 public:
  /// `centre` is what cameras turn about. `views` are those in use, as indices into the dataset,
  /// which must outlive this; repeated ones count once.
  ViewSlack(const Dataset& dataset, std::span<const std::size_t> views, glm::vec3 centre,
            const SlackOptions& options);

  /// The camera of a view as corrected.
  render::Camera camera(std::size_t view) const;
  /// What the view's picture is to be divided by to agree with the others, each channel.
  glm::vec3 gain(std::size_t view) const { return corrections_[view].gain; }

  /// Moves a view's gain towards that by which the subject, as drawn, best meets the picture
  /// (least squares). `frame` was drawn over `background`; `rgb` is the picture's target over the
  /// same and divided by gain(), `alpha` its alpha.
  void meet_colours(std::size_t view, const render::Frame& frame, glm::vec3 background,
                    std::span<const float> rgb, std::span<const float> alpha);

  /// One step of a view's camera along the loss's derivative by the scene, as drawn from there.
  void move_camera(std::size_t view, const splat::Scene& scene,
                   const render::SceneGradient& gradient);

 private:
  static constexpr int kNumbers = 6;  // turn, shift
  struct Correction {
    float pose[kNumbers] = {};
    float first[kNumbers] = {}, second[kNumbers] = {};  // Adam's moments
    int steps = 0;
    glm::vec3 gain{1};
    bool is_used = false, is_exact = false;
  };
  void take_out_common_pose();
  void take_out_common_gain();

  const Dataset& dataset_;
  glm::vec3 centre_;
  SlackOptions options_;
  std::vector<Correction> corrections_;
  bool has_exact_ = false;
};

}  // namespace lode::fit
