// Derivatives of several views: weighed, added up, checked.
#include <algorithm>
#include <cmath>

#include "base/assert.h"
#include "dream/gradient_internal.h"

namespace lode::dream {
namespace {

/// Squares of this are far from overflow; no real derivative comes near.
constexpr float kMostDerivative = 1e15F;
/// Gaussians that one thread takes at a time.
constexpr std::size_t kChunk = 1U << 13;

template <class Item>
bool all_usable(const std::vector<Item>& items) {
  static_assert(sizeof(Item) % sizeof(float) == 0);
  const auto* begin = reinterpret_cast<const float*>(items.data());
  return std::all_of(begin, begin + items.size() * (sizeof(Item) / sizeof(float)),
                     [](float value) { return std::abs(value) <= kMostDerivative; });
}

}  // namespace

void weigh_inside(std::span<const float> values, float factor, std::span<float> gradient) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool leaves = (values[i] > 1 && gradient[i] < 0) || (values[i] < 0 && gradient[i] > 0);
    gradient[i] = leaves ? 0.0F : factor * gradient[i];
  }
}

void add_gradient(const render::SceneGradient& part, render::SceneGradient& sum, ThreadPool& pool) {
  const std::size_t count = sum.positions.size();
  LODE_ASSERT(part.positions.size() == count, "derivatives of one scene");
  const std::size_t rest = count > 0 ? sum.sh_rest.size() / count : 0;
  pool.for_each((count + kChunk - 1) / kChunk, [&](std::size_t chunk) {
    const std::size_t end = std::min(count, (chunk + 1) * kChunk);
    for (std::size_t i = chunk * kChunk; i < end; ++i) {
      sum.positions[i] += part.positions[i];
      sum.scales[i] += part.scales[i];
      sum.colours[i] += part.colours[i];
      sum.rotations[i] = sum.rotations[i] + part.rotations[i];
      sum.opacities[i] += part.opacities[i];
      for (std::size_t k = i * rest; k < (i + 1) * rest; ++k) {
        sum.sh_rest[k] += part.sh_rest[k];
      }
    }
  });
}

bool is_usable(const splat::GaussianCloud& gradient) {
  return all_usable(gradient.positions) && all_usable(gradient.log_scales) &&
         all_usable(gradient.rotations) && all_usable(gradient.opacity_logits) &&
         all_usable(gradient.f_dc) && all_usable(gradient.sh_rest);
}

}  // namespace lode::dream
