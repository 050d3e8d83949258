#include "splat/split.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace lode::splat {
namespace {

/// No child is more opaque, so that its logit is finite; a splat's alpha is cut at 0.999 anyway.
constexpr float kMostOpacity = 0.9999F;

int longest_axis(const glm::vec3& v) { return v.x >= v.y && v.x >= v.z ? 0 : (v.y >= v.z ? 1 : 2); }

/// Turns gaussian `index` into two, half a standard deviation either side of it along its longest
/// axis, narrowed so that the pair has the variance of the one. Each child's opacity is what makes
/// the two together as opaque in the middle as the one was.
void split(GaussianCloud& cloud, std::size_t index) {
  constexpr float kOffset = 0.5F;
  const float variance = 1 - kOffset * kOffset;
  const float centre_falloff = std::exp(-kOffset * kOffset / (2 * variance));
  const int axis = longest_axis(cloud.log_scales[index]);
  glm::vec3 along(0);
  along[axis] = kOffset * std::exp(cloud.log_scales[index][axis]);
  along = glm::normalize(cloud.rotations[index]) * along;

  const float opacity = 1 / (1 + std::exp(-cloud.opacity_logits[index]));
  const float child =
      std::min({(1 - std::sqrt(1 - opacity)) / centre_falloff, opacity, kMostOpacity});
  cloud.opacity_logits[index] = std::max(logit(child), kFaintestLogit);
  cloud.log_scales[index][axis] += 0.5F * std::log(variance);
  cloud.append(cloud, index);
  cloud.positions[index] -= along;
  cloud.positions.back() += along;
}

}  // namespace

void split_until(GaussianCloud& cloud, std::size_t wanted) {
  while (cloud.size() > 0 && cloud.size() < wanted) {
    std::vector<std::size_t> largest(cloud.size());
    std::iota(largest.begin(), largest.end(), 0);
    std::stable_sort(largest.begin(), largest.end(), [&](std::size_t a, std::size_t b) {
      const glm::vec3 &left = cloud.log_scales[a], &right = cloud.log_scales[b];
      return left[longest_axis(left)] > right[longest_axis(right)];
    });
    const std::size_t missing = wanted - cloud.size();
    for (std::size_t i = 0; i < std::min(missing, largest.size()); ++i) {
      split(cloud, largest[i]);
    }
  }
}

}  // namespace lode::splat
