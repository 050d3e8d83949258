// Where a fit begins: the scene's place and size from its cameras, and a first cloud in it.
#pragma once

#include <cstddef>
#include <span>

#include "base/rng.h"
#include "fit/dataset.h"
#include "splat/cloud.h"

namespace lode::fit {

/// What the cameras look at.
struct Place {
  glm::vec3 centre{0};  ///< nearest to all optical axes; what they leave open is near the origin
  float radius = 1;     ///< of the largest ball around it that no picture's sides cut
  /// 1.1 times the farthest camera's distance from the cameras' mean (3DGS' `cameras_extent`): the
  /// unit of learning rates and of sizes in densification.
  float extent = 1;
};
Place find_place(std::span<const render::Camera> cameras);
/// Of the views used, as indices into the dataset.
Place find_place(const Dataset& dataset, std::span<const std::size_t> views);

struct StartOptions {
  std::size_t gaussians = 10'000;
  int sh_degree = 0;
};

/// Gaussians as DreamGaussian begins with: uniform in a ball, as wide as the root mean square
/// distance to the three nearest, round, opacity 0.1. Where the views used (indices into the
/// dataset) have alpha, the ball is Place's and what they show to be empty is left out; their mean
/// colour there is the gaussian's; fewer than asked for, down to a tenth, when that is thin.
/// Without alpha, or when silhouettes do not meet, the ball is smaller and grey, as theirs.
splat::GaussianCloud start_cloud(const Dataset& dataset, std::span<const std::size_t> views,
                                 const StartOptions& options, Rng rng);

/// A given cloud as a start: higher coefficients are added as zeros or cut off.
splat::GaussianCloud with_degree(const splat::GaussianCloud& cloud, int sh_degree);

/// Uniform in the ball around the origin, by DreamGaussian's formula; draws three numbers.
glm::vec3 random_in_ball(float radius, Rng& rng);

/// Widths for gaussians at these points: ln of the root mean square distance to the three nearest
/// others, at least 1e-7 squared (DreamGaussian `create_from_pcd`).
std::vector<float> neighbour_log_scales(const std::vector<glm::vec3>& points);

}  // namespace lode::fit
