// Adaptive density control: which gaussians a fit clones, splits and drops.
#pragma once

#include <cstddef>
#include <glm/vec2.hpp>
#include <span>
#include <vector>

#include "base/rng.h"
#include "fit/adam.h"
#include "splat/cloud.h"

namespace lode::fit {

/// The rules of 3DGS' `densify_and_prune` (Kerbl et al. 2023), which DreamGaussian shares. Sizes
/// are the largest of a gaussian's three standard deviations. Defaults are Inria's.
struct DensifyOptions {
  /// Mean length of the gradient by the centre on the image plane, in normalised device
  /// coordinates (-1..1 across the picture), from which a gaussian is cloned or split.
  float gradient_threshold = 0.0002F;
  float extent = 1;             ///< size of the scene, world units
  float percent_dense = 0.01F;  ///< up to this times extent a gaussian is cloned, above it split
  float max_scale = 0.1F;       ///< above this times extent it is dropped
  float min_opacity = 0.005F;   ///< below this (0..1) it is dropped
  std::size_t max_gaussians = 1'000'000;  ///< growth stops here, strongest gradients first
};

struct DensifyReport {
  std::size_t cloned = 0;
  std::size_t split = 0;
  std::size_t dropped = 0;  ///< by opacity or size; originals of a split are not counted
};

/// Gathers gradients over the views drawn since the last call of densify(), then edits cloud and
/// moments together.
class Densifier {
 public:
  explicit Densifier(std::size_t gaussians) : sums_(gaussians, 0.0F), counts_(gaussians, 0) {}

  /// One drawn view, one element a gaussian: the gradient by its centre in pixels and its radius
  /// in pixels, 0 when it was not drawn and does not count. `half_size` is half the picture's width
  /// and height, which turns pixels to normalised device coordinates.
  void accumulate(std::span<const glm::vec2> centres, std::span<const float> radii,
                  glm::vec2 half_size);

  /// Clones small gaussians and splits large ones where the mean gradient reaches the threshold,
  /// then drops faint and huge ones, and starts to gather anew. A split makes two, sampled from the
  /// gaussian itself with `rng`, 1.6 times smaller, all else copied, in place of the original.
  DensifyReport densify(splat::GaussianCloud& cloud, Adam& adam, const DensifyOptions& options,
                        Rng& rng);

 private:
  std::vector<std::size_t> candidates(const DensifyOptions& options) const;

  std::vector<float> sums_;
  std::vector<int> counts_;
};

/// Opacities above `most` (0..1) become `most`, and their moments start anew.
void reset_opacity(splat::GaussianCloud& cloud, Adam& adam, float most = 0.01F);

}  // namespace lode::fit
