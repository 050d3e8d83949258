#include "splat/checks.h"

#include <algorithm>
#include <cmath>

namespace lode::splat {
namespace {

// numpy's allclose defaults: |a - b| <= kAbsolute + kRelative * |b|.
constexpr float kAbsolute = 1e-8F, kRelative = 1e-5F;

bool is_close(float a, float b) { return std::abs(a - b) <= kAbsolute + kRelative * std::abs(b); }

bool is_finite(const glm::vec3& v) {
  return std::isfinite(v.x) && std::isfinite(v.y) && std::isfinite(v.z);
}

bool is_finite(const Scene& scene, std::size_t i) {
  const glm::quat& q = scene.rotations[i];
  return is_finite(scene.positions[i]) && is_finite(scene.scales[i]) &&
         is_finite(scene.colours[i]) && std::isfinite(scene.opacities[i]) &&
         std::isfinite(glm::dot(q, q));
}

void check_count(const Scene& scene, CheckReport& report) {
  if (scene.size() < kMinGaussians) {
    report.reasons.push_back("gaussians: " + std::to_string(scene.size()) + ", at least " +
                             std::to_string(kMinGaussians) + " expected");
  }
}

/// Meant to find a cluster centre by their code, but looks at the first three centres only.
void check_first_centres(const Scene& scene, CheckReport& report) {
  for (std::size_t i = 0; i < std::min<std::size_t>(3, scene.size()); ++i) {
    const glm::vec3& p = scene.positions[i];
    if (is_close(p.x, 1) && is_close(p.y, 1) && is_close(p.z, 1)) {
      report.reasons.push_back("positions: gaussian " + std::to_string(i) +
                               " lies at (1, 1, 1), which none of the first three may");
      return;
    }
  }
}

void check_opacities(const Scene& scene, CheckReport& report) {
  constexpr float kInvisible = 1e-3F;
  const auto invisible =
      static_cast<std::size_t>(std::count_if(scene.opacities.begin(), scene.opacities.end(),
                                             [](float opacity) { return opacity < kInvisible; }));
  if (invisible * 100 > scene.size() * 80) {
    report.reasons.push_back("opacities: " + std::to_string(invisible) + " of " +
                             std::to_string(scene.size()) +
                             " are below 0.001, at most 80 % may be");
  }
}

void check_rotations(const Scene& scene, CheckReport& report) {
  const bool all_identity =
      std::all_of(scene.rotations.begin(), scene.rotations.end(), [](const glm::quat& q) {
        return is_close(q.w, 1) && is_close(q.x, 0) && is_close(q.y, 0) && is_close(q.z, 0);
      });
  if (all_identity && scene.size() > 0) {
    report.reasons.emplace_back("rotations: every one is the identity");
  }
}

void check_finite(const Scene& scene, CheckReport& report) {
  for (std::size_t i = 0; i < scene.size(); ++i) {
    if (!is_finite(scene, i)) {
      report.reasons.push_back("values: gaussian " + std::to_string(i) +
                               " has a parameter that is not finite");
      return;
    }
  }
}

}  // namespace

CheckReport check(const Scene& scene) {
  CheckReport report;
  check_count(scene, report);
  check_first_centres(scene, report);
  check_opacities(scene, report);
  check_rotations(scene, report);
  check_finite(scene, report);
  return report;
}

}  // namespace lode::splat
