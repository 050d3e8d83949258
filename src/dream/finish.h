// From an optimised cloud to one worth sending: pruned, without floaters, of a sensible size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "base/thread_pool.h"
#include "splat/cloud.h"
#include "splat/precondition.h"

namespace lode::dream {

struct FinishOptions {
  float min_opacity = 0.01F;  ///< fainter gaussians are dropped (the references' final prune)
  float max_scale = 0.1F;     ///< wider ones, world units (theirs, too)
  /// Groups of gaussians that touch nothing else are dropped below this share of the whole's
  /// opacity mass: they would shrink the object when it is framed by its bounds. An object that is
  /// made of such groups (a fifth of its mass) keeps them.
  double least_group = 0.02;
  /// While there are fewer, the largest are split in two that draw nearly the same.
  std::size_t least = splat::kPreconditionedGaussians;
  /// Above this, those that add least to `weigh_views` views are dropped.
  std::size_t most = 100'000;
  int weigh_views = 24;
  float radius = 2.5F;  ///< of those views' cameras
};

struct FinishReport {
  std::size_t not_finite = 0, faint = 0, huge = 0;
  std::size_t floaters = 0;  ///< gaussians in dropped groups
  std::size_t split = 0;     ///< gaussians added by splits
  std::size_t weak = 0;      ///< dropped for `most`
};

/// The cloud for export: what is drawn changes little. Positions stay where they are, so that it
/// still agrees with the picture; splat::precondition puts it into the validators' box. Unit
/// quaternions. Same bytes for any number of threads. Errc::invalid_input when nothing is left.
Result<splat::GaussianCloud> finish(const splat::GaussianCloud& cloud, const FinishOptions& options,
                                    ThreadPool& pool, FinishReport* report = nullptr);

/// Which gaussians belong to a group that FinishOptions::least_group keeps (1) and which float (0).
/// Groups connect where gaussians, as wide as two standard deviations, are nearer than a 24th of
/// the object. Opacity mass is opacity times the two larger standard deviations. [N]
std::vector<std::uint8_t> connected_part(const splat::GaussianCloud& cloud, double least_group);

/// The weight that every gaussian has in the pixels of `views` views from all around (cameras at
/// `radius` on a Fibonacci spiral, 256 pixels): the sum of its alpha times what shines through from
/// the front. [N]
std::vector<float> blending_weights(const splat::GaussianCloud& cloud, int views, float radius,
                                    ThreadPool& pool);

}  // namespace lode::dream
