#include "splat/dot_splat.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "splat/finite_internal.h"

namespace lode::splat {
namespace {

struct Record {
  std::array<float, 3> position;
  std::array<float, 3> scale;  // standard deviations
  std::array<std::uint8_t, 4> rgba;
  std::array<std::uint8_t, 4> rotation;  // w, x, y, z
};
static_assert(sizeof(Record) == 32);

/// As JavaScript stores a number into a Uint8ClampedArray.
std::uint8_t to_byte(float value) {
  return static_cast<std::uint8_t>(std::nearbyint(std::clamp(value, 0.0F, 255.0F)));
}

float alpha_of(float logit) { return 1 / (1 + std::exp(-logit)); }

std::vector<std::uint32_t> most_important_first(const GaussianCloud& cloud) {
  std::vector<float> importance(cloud.size());
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    const glm::vec3& s = cloud.log_scales[i];
    importance[i] = std::exp(s.x + s.y + s.z) * alpha_of(cloud.opacity_logits[i]);
    if (std::isnan(importance[i])) {
      importance[i] = 0;  // infinitely large times invisible
    }
  }
  std::vector<std::uint32_t> order(cloud.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return importance[a] > importance[b]; });
  return order;
}

Record record_of(const GaussianCloud& cloud, std::size_t i) {
  const glm::vec3 &p = cloud.positions[i], &s = cloud.log_scales[i];
  const glm::vec3 colour = (0.5F + kShC0 * cloud.f_dc[i]) * 255.0F;
  const glm::quat& q = cloud.rotations[i];
  const float norm = std::sqrt(glm::dot(q, q));
  const glm::quat unit = norm > 0 ? q / norm : glm::quat(1, 0, 0, 0);
  const auto code = [](float component) { return to_byte(component * 128.0F + 128.0F); };
  return {{p.x, p.y, p.z},
          {std::exp(s.x), std::exp(s.y), std::exp(s.z)},
          {to_byte(colour.x), to_byte(colour.y), to_byte(colour.z),
           to_byte(alpha_of(cloud.opacity_logits[i]) * 255.0F)},
          {code(unit.w), code(unit.x), code(unit.y), code(unit.z)}};
}

}  // namespace

Result<Bytes> encode_dot_splat(const GaussianCloud& cloud) {
  if (cloud.size() == 0) {
    return fail(Errc::invalid_input, "splat: a cloud without gaussians cannot be written");
  }
  LODE_CHECK(check_finite(cloud, "splat"));
  Bytes file(cloud.size() * sizeof(Record));
  std::uint8_t* out = file.data();
  for (const std::uint32_t i : most_important_first(cloud)) {
    const Record record = record_of(cloud, i);
    std::memcpy(out, &record, sizeof(record));
    out += sizeof(record);
  }
  return file;
}

}  // namespace lode::splat
