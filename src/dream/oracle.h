// A guidance that knows the answer: it imitates a diffusion model for tests and measurements.
#pragma once

#include <memory>

#include "base/thread_pool.h"
#include "dream/guidance.h"
#include "splat/cloud.h"

namespace lode::dream {

struct OracleOptions {
  int views_together = 1;  ///< 1 or 4, as the models it stands for
  /// Cells across in which pictures are compared, at most the view's size: 32 is the size of a
  /// 256-pixel picture's latents. 0: pixel by pixel.
  int cells = 32;
  /// Standard deviation of noise on every cell's derivative, which score distillation has about 1
  /// of; 0: none.
  double noise = 0;
};

/// Knows the true cloud, which it draws from where it is asked, and answers with the derivative of
/// half the squared difference, summed over cells. The cells' values are about as large as a latent
/// model's (4 v - 2), so that losses have the scale of score distillation's. The background, white
/// or black, is the one that fits the view best.
class Oracle final : public Guidance {
 public:
  /// `pool` must outlive it.
  Oracle(const splat::GaussianCloud& truth, const OracleOptions& options, std::uint64_t seed,
         ThreadPool& pool);
  ~Oracle() override;

  std::string_view name() const override { return "oracle"; }
  int views_together() const override;
  Result<double> differentiate(std::span<const DrawnView> views, const GuidanceStep& step,
                               std::span<std::vector<float>> gradients,
                               const std::stop_token& stop) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// What the oracle's subject looks like: the true cloud as an RGBA picture from `orbit`.
Subject oracle_subject(const splat::GaussianCloud& truth, const render::Orbit& orbit,
                       ThreadPool& pool);

}  // namespace lode::dream
