// Adam on the parameters of a cloud, with moments that follow the cloud's gaussians.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/thread_pool.h"
#include "splat/cloud.h"

namespace lode::fit {

/// Step lengths of the raw parameters (see splat::GaussianCloud).
struct LearningRates {
  float position = 0;  ///< world units
  float f_dc = 0;
  float sh_rest = 0;
  float opacity = 0;   ///< of the logit
  float scale = 0;     ///< of the logarithm
  float rotation = 0;  ///< of the quaternion's numbers, not normalised
};

/// Adam (Kingma, Ba 2015) as torch.optim.Adam computes it: betas 0.9 and 0.999, no weight decay,
/// epsilon 1e-15 as 3DGS and DreamGaussian set it, since gradients of a mean over pixels are tiny.
class Adam {
 public:
  /// Zero moments for `count` gaussians of a degree.
  Adam(std::size_t count, int sh_degree);

  /// One step along `gradient`, which holds the derivative by the member of each name. All three
  /// (cloud, gradient, moments) must have one size and degree. Any number of threads gives the
  /// same bytes.
  void step(splat::GaussianCloud& cloud, const splat::GaussianCloud& gradient,
            const LearningRates& rates, ThreadPool& pool);

  /// Follow edits of the cloud: rows for gaussians appended at its end start at zero; only rows
  /// whose `keep` is not 0 stay, in order; the opacities' moments start anew.
  void append(std::size_t count);
  void keep(const std::vector<std::uint8_t>& keep);
  void reset_opacity();

  std::size_t size() const { return first_.size(); }
  const splat::GaussianCloud& first_moment() const { return first_; }
  const splat::GaussianCloud& second_moment() const { return second_; }

 private:
  splat::GaussianCloud first_, second_;
  std::int64_t steps_ = 0;
};

/// Only the gaussians whose `keep` is not 0, in order; `keep` has the cloud's size.
void keep_gaussians(splat::GaussianCloud& cloud, const std::vector<std::uint8_t>& keep);

}  // namespace lode::fit
