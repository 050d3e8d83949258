#include "fit/adam.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"

namespace lode::fit {
namespace {

constexpr double kBeta1 = 0.9, kBeta2 = 0.999;
constexpr float kEpsilon = 1e-15F;
/// Numbers that one thread takes at a time.
constexpr std::size_t kChunk = 1U << 14;

/// One parameter group as plain numbers: `count` of them in each array.
struct Group {
  float* value;
  const float* gradient;
  float* first;
  float* second;
  std::size_t count;
  float rate;
};

/// All of one member as floats: vec3 and quat are three and four floats without padding.
template <class Item>
float* floats(std::vector<Item>& items) {
  static_assert(sizeof(Item) % sizeof(float) == 0);
  return reinterpret_cast<float*>(items.data());
}
template <class Item>
const float* floats(const std::vector<Item>& items) {
  static_assert(sizeof(Item) % sizeof(float) == 0);
  return reinterpret_cast<const float*>(items.data());
}

template <class Item>
Group group(std::vector<Item>& value, const std::vector<Item>& gradient, std::vector<Item>& first,
            std::vector<Item>& second, float rate) {
  LODE_ASSERT(gradient.size() == value.size() && first.size() == value.size(),
              "cloud, gradient and moments have one size");
  return {floats(value),
          floats(gradient),
          floats(first),
          floats(second),
          value.size() * sizeof(Item) / sizeof(float),
          rate};
}

void update(const Group& group, std::size_t begin, std::size_t end, float correction1,
            float correction2) {
  constexpr auto kB1 = static_cast<float>(kBeta1), kB2 = static_cast<float>(kBeta2);
  constexpr auto kRest1 = static_cast<float>(1 - kBeta1), kRest2 = static_cast<float>(1 - kBeta2);
  for (std::size_t i = begin; i < end; ++i) {
    const float g = group.gradient[i];
    const float m = kB1 * group.first[i] + kRest1 * g;
    const float v = kB2 * group.second[i] + kRest2 * g * g;
    group.first[i] = m;
    group.second[i] = v;
    group.value[i] -= group.rate * (m * correction1) / (std::sqrt(v * correction2) + kEpsilon);
  }
}

template <class Item>
void keep_rows(std::vector<Item>& items, const std::vector<std::uint8_t>& keep, std::size_t width) {
  std::size_t to = 0;
  for (std::size_t i = 0; i < keep.size(); ++i) {
    if (keep[i] != 0) {
      std::copy_n(items.begin() + static_cast<std::ptrdiff_t>(i * width), width,
                  items.begin() + static_cast<std::ptrdiff_t>(to * width));
      ++to;
    }
  }
  items.resize(to * width);
}

/// resize() fills rotations with the identity; a moment's start is zero.
void grow_with_zeros(splat::GaussianCloud& moment, std::size_t count) {
  const std::size_t before = moment.size();
  moment.resize(before + count);
  std::fill(moment.rotations.begin() + static_cast<std::ptrdiff_t>(before), moment.rotations.end(),
            glm::quat(0, 0, 0, 0));
}

}  // namespace

void keep_gaussians(splat::GaussianCloud& cloud, const std::vector<std::uint8_t>& keep) {
  LODE_ASSERT(keep.size() == cloud.size(), "one flag a gaussian");
  keep_rows(cloud.positions, keep, 1);
  keep_rows(cloud.log_scales, keep, 1);
  keep_rows(cloud.rotations, keep, 1);
  keep_rows(cloud.opacity_logits, keep, 1);
  keep_rows(cloud.f_dc, keep, 1);
  keep_rows(cloud.sh_rest, keep,
            static_cast<std::size_t>(splat::sh_rest_count(cloud.sh_degree)) * 3);
}

Adam::Adam(std::size_t count, int sh_degree) {
  first_.sh_degree = second_.sh_degree = sh_degree;
  append(count);
}

void Adam::step(splat::GaussianCloud& cloud, const splat::GaussianCloud& gradient,
                const LearningRates& rates, ThreadPool& pool) {
  ++steps_;
  const auto steps = static_cast<double>(steps_);
  const auto correction1 = static_cast<float>(1 / (1 - std::pow(kBeta1, steps)));
  const auto correction2 = static_cast<float>(1 / (1 - std::pow(kBeta2, steps)));
  const Group groups[] = {
      group(cloud.positions, gradient.positions, first_.positions, second_.positions,
            rates.position),
      group(cloud.f_dc, gradient.f_dc, first_.f_dc, second_.f_dc, rates.f_dc),
      group(cloud.sh_rest, gradient.sh_rest, first_.sh_rest, second_.sh_rest, rates.sh_rest),
      group(cloud.opacity_logits, gradient.opacity_logits, first_.opacity_logits,
            second_.opacity_logits, rates.opacity),
      group(cloud.log_scales, gradient.log_scales, first_.log_scales, second_.log_scales,
            rates.scale),
      group(cloud.rotations, gradient.rotations, first_.rotations, second_.rotations,
            rates.rotation),
  };
  for (const Group& one : groups) {
    pool.for_each((one.count + kChunk - 1) / kChunk, [&](std::size_t chunk) {
      update(one, chunk * kChunk, std::min(one.count, (chunk + 1) * kChunk), correction1,
             correction2);
    });
  }
}

void Adam::append(std::size_t count) {
  grow_with_zeros(first_, count);
  grow_with_zeros(second_, count);
}

void Adam::keep(const std::vector<std::uint8_t>& keep) {
  keep_gaussians(first_, keep);
  keep_gaussians(second_, keep);
}

void Adam::reset_opacity() {
  std::fill(first_.opacity_logits.begin(), first_.opacity_logits.end(), 0.0F);
  std::fill(second_.opacity_logits.begin(), second_.opacity_logits.end(), 0.0F);
}

}  // namespace lode::fit
