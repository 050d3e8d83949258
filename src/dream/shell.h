// A first cloud for few views: the skin of what their silhouettes allow, in the views' colours.
#pragma once

#include <cstddef>
#include <span>

#include "base/rng.h"
#include "base/thread_pool.h"
#include "fit/dataset.h"
#include "fit/start.h"
#include "splat/cloud.h"

namespace lode::dream {

struct ShellOptions {
  std::size_t gaussians = 12'000;  ///< at most
  int grid = 112;                  ///< cells along a side of the cube of twice Place's radius
  /// How much is kept of what two silhouettes leave open where they cross and no third one cuts: 2
  /// is all of it (a column seen from four sides a quarter turn apart gets square), 1 the ellipse
  /// in it, and between them squarer ellipses (the bound on its equation, see shell.cpp).
  float corner = 1;
  /// Takes off the roof and the cone that views from above leave over and under what is flat.
  bool is_levelled = true;
  float opacity = 0.8F;  ///< 0..1
  float width = 0.7F;    ///< standard deviation along the skin, of the distance to neighbours
};

/// Gaussians on the skin of the visual hull of views with alpha (indices into the dataset), each in
/// the colour of those views that see it, weighted by how squarely they do; where none does, in its
/// neighbours' colours. Flat, along the skin, about as wide as the distances between them. Empty
/// when the silhouettes do not meet. `weights` are the views' weights in colour, one a view.
splat::GaussianCloud shell_cloud(const fit::Dataset& dataset, std::span<const std::size_t> views,
                                 std::span<const float> weights, const ShellOptions& options,
                                 Rng rng, ThreadPool& pool);

}  // namespace lode::dream
