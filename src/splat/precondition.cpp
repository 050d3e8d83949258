#include "splat/precondition.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace lode::splat {
namespace {

/// The grid of packed positions, and the validators' box on it.
constexpr double kStepsPerUnit = 4096;
constexpr std::int64_t kBoxSteps = 6144;  // 1.5
constexpr float kBox = 1.5F;
/// How often one gaussian may be moved by a step to bring the mean to 0.
constexpr int kMaxNudges = 4;
/// Logit of 1/255: below, a splat is drawn nowhere.
const float kMinLogit = -std::log(254.0F);

bool is_drawable(const GaussianCloud& cloud, std::size_t i) {
  const glm::vec3 &p = cloud.positions[i], &s = cloud.log_scales[i], &c = cloud.f_dc[i];
  const glm::quat& q = cloud.rotations[i];
  return cloud.opacity_logits[i] >= kMinLogit &&
         std::isfinite(p.x + p.y + p.z + s.x + s.y + s.z + c.x + c.y + c.z) &&
         std::isfinite(glm::dot(q, q));
}

GaussianCloud drawable_part(const GaussianCloud& cloud) {
  GaussianCloud part;
  part.sh_degree = cloud.sh_degree;
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    if (is_drawable(cloud, i)) {
      part.append(cloud, i);
    }
  }
  return part;
}

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
  const float child = std::min((1 - std::sqrt(1 - opacity)) / centre_falloff, opacity);
  cloud.opacity_logits[index] = std::max(logit(child), kMinLogit);
  cloud.log_scales[index][axis] += 0.5F * std::log(variance);
  cloud.append(cloud, index);
  cloud.positions[index] -= along;
  cloud.positions.back() += along;
}

/// Splits the largest gaussians, all once before any twice, until there are enough.
void split_until_enough(GaussianCloud& cloud) {
  while (cloud.size() < kPreconditionedGaussians) {
    std::vector<std::size_t> largest(cloud.size());
    std::iota(largest.begin(), largest.end(), 0);
    std::stable_sort(largest.begin(), largest.end(), [&](std::size_t a, std::size_t b) {
      const glm::vec3 &left = cloud.log_scales[a], &right = cloud.log_scales[b];
      return left[longest_axis(left)] > right[longest_axis(right)];
    });
    const std::size_t wanted = kPreconditionedGaussians - cloud.size();
    for (std::size_t i = 0; i < std::min(wanted, largest.size()); ++i) {
      split(cloud, largest[i]);
    }
  }
}

/// One axis of all positions in grid steps: 0..kBoxSteps for the longest one, at most as far apart
/// on the others.
std::vector<std::int64_t> to_grid(const GaussianCloud& cloud, int axis, double low, double scale) {
  std::vector<std::int64_t> steps(cloud.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const double scaled = (cloud.positions[i][axis] - low) * scale * kStepsPerUnit;
    steps[i] = std::clamp<std::int64_t>(std::llround(scaled), 0, kBoxSteps);
  }
  return steps;
}

/// Shifts the steps to a mean within half a step of 0, then moves single ones by a step to make it
/// 0. No step leaves the window that holds all of them and is `kBoxSteps` wide, and the first
/// extremes stay, so the extent of the longest axis does not change.
void centre(std::vector<std::int64_t>& steps, Rng& rng) {
  const auto count = static_cast<std::int64_t>(steps.size());
  std::int64_t sum = std::accumulate(steps.begin(), steps.end(), std::int64_t{0});
  const std::int64_t shift = std::llround(static_cast<double>(sum) / static_cast<double>(count));
  for (std::int64_t& step : steps) {
    step -= shift;
  }
  sum -= shift * count;

  const auto [low, high] = std::minmax_element(steps.begin(), steps.end());
  const std::int64_t window_low = *low - (kBoxSteps - (*high - *low)) / 2;
  const std::int64_t window_high = window_low + kBoxSteps;
  std::vector<std::size_t> movable;
  for (auto it = steps.begin(); it != steps.end(); ++it) {
    if (it != low && it != high) {
      movable.push_back(static_cast<std::size_t>(it - steps.begin()));
    }
  }
  for (std::size_t i = movable.size(); i > 1; --i) {
    std::swap(movable[i - 1], movable[rng.below(i)]);
  }
  const std::int64_t move = sum > 0 ? -1 : 1;
  for (int round = 0; round < kMaxNudges; ++round) {
    for (std::size_t i = 0; i < movable.size() && sum != 0; ++i) {
      std::int64_t& step = steps[movable[i]];
      if (step + move >= window_low && step + move <= window_high) {
        step += move;
        sum += move;
      }
    }
  }
}

/// Scales the cloud to the box and puts its positions on the grid.
void fit_to_box(GaussianCloud& cloud, Rng& rng) {
  const Bounds box = bounds(cloud.positions);
  const double scale = static_cast<double>(kBox) / box.extent();
  for (int axis = 0; axis < 3; ++axis) {
    std::vector<std::int64_t> steps = to_grid(cloud, axis, box.min[axis], scale);
    centre(steps, rng);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      cloud.positions[i][axis] = static_cast<float>(static_cast<double>(steps[i]) / kStepsPerUnit);
    }
  }
  for (glm::vec3& log_scale : cloud.log_scales) {
    log_scale += static_cast<float>(std::log(scale));
  }
}

/// The validators refuse a file with one of its first three centres at (1, 1, 1); the same
/// gaussians in another order are drawn the same.
GaussianCloud with_unit_corner_last(const GaussianCloud& cloud) {
  GaussianCloud out;
  out.sh_degree = cloud.sh_degree;
  for (const bool at_corner : {false, true}) {
    for (std::size_t i = 0; i < cloud.size(); ++i) {
      if ((cloud.positions[i] == glm::vec3(1)) == at_corner) {
        out.append(cloud, i);
      }
    }
  }
  return out;
}

}  // namespace

Result<GaussianCloud> precondition(const GaussianCloud& cloud, Rng& rng) {
  GaussianCloud out = drawable_part(cloud);
  if (out.size() == 0) {
    return fail(Errc::invalid_input,
                "cloud: none of its " + std::to_string(cloud.size()) + " gaussians is visible");
  }
  const float extent = bounds(out.positions).extent();
  if (!(extent > 0) || !std::isfinite(extent)) {
    return fail(Errc::invalid_input, "cloud: all gaussians lie at one point");
  }
  split_until_enough(out);
  fit_to_box(out, rng);
  return with_unit_corner_last(out);
}

}  // namespace lode::splat
