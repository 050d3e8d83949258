#include "fit/regular.h"

#include <array>
#include <cmath>
#include <utility>

#include "base/assert.h"

namespace lode::fit {
namespace {

/// The axes of a gaussian, longest first.
std::array<int, 3> by_length(glm::vec3 s) {
  std::array<int, 3> order{0, 1, 2};
  const auto sort = [&](int a, int b) {
    if (s[order[b]] > s[order[a]]) {
      std::swap(order[a], order[b]);
    }
  };
  sort(0, 1);
  sort(1, 2);
  sort(0, 1);
  return order;
}

}  // namespace

void regularise(const splat::GaussianCloud& cloud, const Regularisation& terms,
                splat::GaussianCloud& gradient) {
  LODE_ASSERT(gradient.size() == cloud.size(), "a derivative for every gaussian");
  const auto count = static_cast<float>(cloud.size());
  const float limit = std::log(terms.most_stretch);
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    if (terms.opacity > 0) {
      const float o = 1 / (1 + std::exp(-cloud.opacity_logits[i]));
      gradient.opacity_logits[i] += terms.opacity / count * o * (1 - o);
    }
    const glm::vec3 s = cloud.log_scales[i];
    if (terms.scale > 0) {
      gradient.log_scales[i] += terms.scale / (3 * count * terms.extent) * glm::exp(s);
    }
    if (terms.stretch > 0) {
      const auto [longest, middle, shortest] = by_length(s);
      if (s[longest] - s[middle] > limit) {
        gradient.log_scales[i][longest] += terms.stretch / count;
        gradient.log_scales[i][middle] -= terms.stretch / count;
      }
    }
  }
}

}  // namespace lode::fit
