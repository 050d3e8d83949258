#include <cmath>
#include <string>

#include "splat/finite_internal.h"
#include "splat/kernels_internal.h"

namespace lode::splat {
namespace {

bool is_finite(const GaussianCloud& cloud, std::size_t i) {
  const glm::vec3 &p = cloud.positions[i], &s = cloud.log_scales[i], &c = cloud.f_dc[i];
  const glm::quat& q = cloud.rotations[i];
  const float values[] = {p.x, p.y, p.z, s.x, s.y, s.z, c.x, c.y, c.z, q.w, q.x, q.y, q.z};
  return kernels::all_finite(values, std::size(values)) && !std::isnan(cloud.opacity_logits[i]);
}

}  // namespace

Result<void> check_finite(const GaussianCloud& cloud, std::string_view format) {
  const auto bad = [&](const std::string& what) {
    return fail(Errc::invalid_input, std::string(format) + ": " + what + " not finite");
  };
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    if (!is_finite(cloud, i)) {
      return bad("gaussian " + std::to_string(i) + " has a parameter that is");
    }
  }
  if (!kernels::all_finite(cloud.sh_rest.data(), cloud.sh_rest.size())) {
    return bad("a spherical-harmonic coefficient is");
  }
  return {};
}

}  // namespace lode::splat
