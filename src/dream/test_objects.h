// Objects and guidances for this folder's tests.
#pragma once

#include <functional>

#include "base/rng.h"
#include "dream/optimiser.h"
#include "dream/oracle.h"
#include "splat/cloud.h"

namespace lode::dream::test {

/// A ball of small solid gaussians, red above and blue below, with a green knob in front: a
/// thousand by default.
inline splat::GaussianCloud knobbed_ball(std::size_t count = 1000) {
  Rng rng(9);
  splat::GaussianCloud cloud;
  cloud.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    glm::vec3 p(rng.normal(), rng.normal(), rng.normal());
    p = 0.45F * glm::normalize(p);
    const bool is_knob = i % 8 == 0;
    cloud.positions[i] = is_knob ? glm::vec3(0, 0, 0.5F) + 0.25F * p : p;
    const glm::vec3 colour = is_knob   ? glm::vec3(0.1F, 0.8F, 0.1F)
                             : p.y > 0 ? glm::vec3(0.9F, 0.1F, 0.1F)
                                       : glm::vec3(0.1F, 0.2F, 0.9F);
    cloud.f_dc[i] = (colour - 0.5F) / splat::kShC0;
    cloud.log_scales[i] = glm::vec3(std::log(0.04F));
    cloud.opacity_logits[i] = 3;
  }
  return cloud;
}

/// A preset whose steps are cheap: `steps` of them, with a small start.
inline Preset small_preset(int steps) {
  Preset preset = *find_preset("image");
  preset.iters = steps;
  preset.num_pts = 400;
  preset.ref_size = 64;
  preset.position_lr_max_steps = steps;
  preset.density_start_iter = 10;
  preset.densification_interval = 20;
  return preset;
}

/// Another guidance with something done before each of its answers reaches the optimiser.
class Meddler final : public Guidance {
 public:
  using Meddle = std::function<Result<double>(Result<double> loss, const GuidanceStep& step,
                                              std::span<std::vector<float>> gradients)>;
  Meddler(Guidance& inner, Meddle meddle) : inner_(inner), meddle_(std::move(meddle)) {}

  std::string_view name() const override { return "meddler"; }
  int views_together() const override { return inner_.views_together(); }
  Result<double> differentiate(std::span<const DrawnView> views, const GuidanceStep& step,
                               std::span<std::vector<float>> gradients,
                               const std::stop_token& stop) override {
    return meddle_(inner_.differentiate(views, step, gradients, stop), step, gradients);
  }

 private:
  Guidance& inner_;
  Meddle meddle_;
};

/// Whether two clouds have the same bytes.
inline bool are_equal(const splat::GaussianCloud& a, const splat::GaussianCloud& b) {
  return a.positions == b.positions && a.log_scales == b.log_scales && a.rotations == b.rotations &&
         a.opacity_logits == b.opacity_logits && a.f_dc == b.f_dc && a.sh_rest == b.sh_rest;
}

}  // namespace lode::dream::test
