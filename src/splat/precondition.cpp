#include "splat/precondition.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "splat/split.h"

namespace lode::splat {
namespace {

/// The grid of packed positions, and the validators' box on it.
constexpr double kStepsPerUnit = 4096;
constexpr std::int64_t kBoxSteps = 6144;  // 1.5
constexpr float kBox = 1.5F;
/// How often one gaussian may be moved by a step to bring the mean to 0.
constexpr int kMaxNudges = 4;

bool is_drawable(const GaussianCloud& cloud, std::size_t i) {
  const glm::vec3 &p = cloud.positions[i], &s = cloud.log_scales[i], &c = cloud.f_dc[i];
  const glm::quat& q = cloud.rotations[i];
  return cloud.opacity_logits[i] >= kFaintestLogit &&
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
  split_until(out, kPreconditionedGaussians);
  fit_to_box(out, rng);
  return with_unit_corner_last(out);
}

}  // namespace lode::splat
