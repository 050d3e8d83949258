#include "splat/split.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace lode::splat {
namespace {

/// The lighter of the two is between the first two, and neither is above the last: its logit is
/// to be finite, and a splat's alpha is cut at 0.999 anyway.
constexpr float kFaintest = 1.0F / 255, kMostLight = 0.1F, kMostOpacity = 0.9999F;

int longest_axis(const glm::vec3& v) { return v.x >= v.y && v.x >= v.z ? 0 : (v.y >= v.z ? 1 : 2); }

/// Turns gaussian `index` into two at its place, of alphas a and b in their middle, where together
/// they have a + b - a b, which is to be the one's opacity o. Their area, the integral of
/// a g + b g - a b g^2 over the picture with g = exp(-r^2 / 2 s^2), is to be the one's, o: so they
/// are narrower by s^2 = o / (o + a b / 2). What differs in between grows with a b, so b is small.
/// From any side that is the same, which it is not for two that are apart.
void split(GaussianCloud& cloud, std::size_t index) {
  const float opacity = 1 / (1 + std::exp(-cloud.opacity_logits[index]));
  const float half = 1 - std::sqrt(1 - opacity);
  const float light = std::max(std::min(half, kMostLight), kFaintest);
  const float rest = std::clamp((opacity - light) / (1 - light), kFaintest, kMostOpacity);
  cloud.log_scales[index] += 0.5F * std::log(opacity / (opacity + rest * light / 2));
  cloud.append(cloud, index);
  cloud.opacity_logits[index] = logit(rest);
  cloud.opacity_logits.back() = std::max(logit(light), kFaintestLogit);
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
