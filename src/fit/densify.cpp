#include "fit/densify.h"

#include <algorithm>
#include <cmath>
#include <glm/geometric.hpp>
#include <glm/gtc/quaternion.hpp>

#include "base/assert.h"

namespace lode::fit {
namespace {

/// A split makes this many, each smaller by 0.8 times as much (3DGS `densify_and_split`).
constexpr int kSplitInto = 2;
constexpr float kSplitShrink = 0.8F * kSplitInto;

float largest_scale(const splat::GaussianCloud& cloud, std::size_t i) {
  const glm::vec3& s = cloud.log_scales[i];
  return std::exp(std::max({s.x, s.y, s.z}));
}

/// Appends one of the gaussians that `index` is split into.
void append_part(splat::GaussianCloud& cloud, std::size_t index, Rng& rng) {
  cloud.append(cloud, index);
  glm::vec3 offset;
  for (int axis = 0; axis < 3; ++axis) {
    offset[axis] = static_cast<float>(rng.normal()) * std::exp(cloud.log_scales[index][axis]);
  }
  cloud.positions.back() += glm::normalize(cloud.rotations[index]) * offset;
  cloud.log_scales.back() -= std::log(kSplitShrink);
}

}  // namespace

void Densifier::accumulate(std::span<const glm::vec2> centres, std::span<const float> radii,
                           glm::vec2 half_size) {
  LODE_ASSERT(centres.size() == sums_.size() && radii.size() == sums_.size(),
              "one gradient and radius a gaussian");
  for (std::size_t i = 0; i < sums_.size(); ++i) {
    if (radii[i] > 0) {
      sums_[i] += glm::length(centres[i] * half_size);
      ++counts_[i];
    }
  }
}

std::vector<std::size_t> Densifier::candidates(const DensifyOptions& options) const {
  const auto mean = [this](std::size_t i) {
    return counts_[i] > 0 ? sums_[i] / static_cast<float>(counts_[i]) : 0.0F;
  };
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < sums_.size(); ++i) {
    if (mean(i) >= options.gradient_threshold) {
      chosen.push_back(i);
    }
  }
  const std::size_t room =
      options.max_gaussians > sums_.size() ? options.max_gaussians - sums_.size() : 0;
  if (chosen.size() > room) {  // both a clone and a split add one
    std::stable_sort(chosen.begin(), chosen.end(),
                     [&](std::size_t a, std::size_t b) { return mean(a) > mean(b); });
    chosen.resize(room);
    std::sort(chosen.begin(), chosen.end());
  }
  return chosen;
}

DensifyReport Densifier::densify(splat::GaussianCloud& cloud, Adam& adam,
                                 const DensifyOptions& options, Rng& rng) {
  LODE_ASSERT(cloud.size() == sums_.size() && adam.size() == sums_.size(),
              "cloud, moments and gradients have one size");
  DensifyReport report;
  const std::vector<std::size_t> chosen = candidates(options);
  const float split_above = options.percent_dense * options.extent;
  std::vector<std::uint8_t> keep(cloud.size(), 1);
  for (const std::size_t i : chosen) {
    if (largest_scale(cloud, i) <= split_above) {
      cloud.append(cloud, i);
      ++report.cloned;
    }
  }
  for (const std::size_t i : chosen) {
    if (largest_scale(cloud, i) > split_above) {
      for (int part = 0; part < kSplitInto; ++part) {
        append_part(cloud, i, rng);
      }
      keep[i] = 0;
      ++report.split;
    }
  }
  adam.append(cloud.size() - keep.size());
  keep.resize(cloud.size(), 1);

  const float faintest = splat::logit(options.min_opacity);
  const float largest = options.max_scale * options.extent;
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    const bool is_dropped = cloud.opacity_logits[i] < faintest || largest_scale(cloud, i) > largest;
    if (keep[i] != 0 && is_dropped) {
      keep[i] = 0;
      ++report.dropped;
    }
  }
  keep_gaussians(cloud, keep);
  adam.keep(keep);
  sums_.assign(cloud.size(), 0.0F);
  counts_.assign(cloud.size(), 0);
  return report;
}

void reset_opacity(splat::GaussianCloud& cloud, Adam& adam, float most) {
  const float highest = splat::logit(most);
  for (float& value : cloud.opacity_logits) {
    value = std::min(value, highest);
  }
  adam.reset_opacity();
}

}  // namespace lode::fit
