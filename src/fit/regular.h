// What few views leave open, decided: pulls on opacities, sizes and proportions.
#pragma once

#include "splat/cloud.h"

namespace lode::fit {

/// Weights of terms that are added to the loss. Zero: none.
struct Regularisation {
  float opacity = 0;  ///< of the mean opacity (3DGS-MCMC, Kheradmand et al. 2024)
  float scale = 0;    ///< of the mean standard deviation over all axes, by `extent` (the same)
  /// Of the mean over gaussians of ln(longest / middle axis) above ln(most_stretch): needles along
  /// a line of sight look right from there alone.
  float stretch = 0;
  float most_stretch = 3;
  float extent = 1;  ///< world units
};

/// Adds the terms' derivatives to a cloud's; both of one size.
void regularise(const splat::GaussianCloud& cloud, const Regularisation& terms,
                splat::GaussianCloud& gradient);

}  // namespace lode::fit
