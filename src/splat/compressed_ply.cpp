#include "splat/compressed_ply.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "splat/finite_internal.h"

namespace lode::splat {
namespace {

constexpr std::size_t kChunk = 256;
constexpr float kMaxLogScale = 20;

struct ChunkBounds {
  glm::vec3 position_min, position_max;
  glm::vec3 scale_min, scale_max;
  glm::vec3 colour_min, colour_max;
};
static_assert(sizeof(ChunkBounds) == 18 * sizeof(float));

struct Packed {
  std::uint32_t position, rotation, scale, colour;
};
static_assert(sizeof(Packed) == 16);

/// The lowest 21 bits of `value`, two zeros before each.
std::uint64_t spread(std::uint64_t value) {
  value &= 0x1fffff;
  value = (value | value << 32) & 0x001f00000000ffffULL;
  value = (value | value << 16) & 0x001f0000ff0000ffULL;
  value = (value | value << 8) & 0x100f00f00f00f00fULL;
  value = (value | value << 4) & 0x10c30c30c30c30c3ULL;
  return (value | value << 2) & 0x1249249249249249ULL;
}

/// Indices along a Z-order curve through the bounds: neighbours in the list are neighbours in
/// space, which keeps the chunks small. 21 bits an axis, where SuperSplat takes 10 and divides
/// crowded cells again.
std::vector<std::uint32_t> morton_order(const std::vector<glm::vec3>& positions) {
  const Bounds box = bounds(positions);
  std::vector<std::pair<std::uint64_t, std::uint32_t>> codes(positions.size());
  for (std::size_t i = 0; i < positions.size(); ++i) {
    std::uint64_t code = 0;
    for (int axis = 0; axis < 3; ++axis) {
      const double low = box.min[axis], length = box.max[axis] - low;
      const double cell = length > 0 ? (positions[i][axis] - low) / length * 0x1p21 : 0;
      code |= spread(static_cast<std::uint64_t>(std::min(cell, 0x1p21 - 1))) << axis;
    }
    codes[i] = {code, static_cast<std::uint32_t>(i)};
  }
  std::sort(codes.begin(), codes.end());
  std::vector<std::uint32_t> order(codes.size());
  std::transform(codes.begin(), codes.end(), order.begin(),
                 [](const auto& code) { return code.second; });
  return order;
}

/// `value` in 0..1 as an integer of `bits` bits.
std::uint32_t to_unorm(double value, int bits) {
  const double top = (1 << bits) - 1;
  return static_cast<std::uint32_t>(std::clamp(std::floor(value * top + 0.5), 0.0, top));
}

/// Where `value` lies between the bounds, 0..1.
double place(double value, double low, double high) {
  constexpr double kFlat = 1e-5;  // bounds nearer than this hold one value
  if (value <= low) {
    return 0;
  }
  if (value >= high) {
    return 1;
  }
  return high - low < kFlat ? 0 : (value - low) / (high - low);
}

std::uint32_t pack_11_10_11(const glm::vec3& v, const glm::vec3& low, const glm::vec3& high) {
  return to_unorm(place(v.x, low.x, high.x), 11) << 21 |
         to_unorm(place(v.y, low.y, high.y), 10) << 11 | to_unorm(place(v.z, low.z, high.z), 11);
}

/// Two bits for the index of the largest of w, x, y, z, then ten for each of the others.
std::uint32_t pack_rotation(const glm::quat& rotation) {
  const glm::dquat q(rotation);
  const double norm = std::sqrt(glm::dot(q, q));
  const std::array<double, 4> parts =
      norm > 0 ? std::array{q.w / norm, q.x / norm, q.y / norm, q.z / norm}
               : std::array{1.0, 0.0, 0.0, 0.0};
  std::uint32_t largest = 0;
  for (std::uint32_t i = 1; i < 4; ++i) {
    largest = std::abs(parts[i]) > std::abs(parts[largest]) ? i : largest;
  }
  const double sign = parts[largest] < 0 ? -1 : 1;
  std::uint32_t code = largest;
  for (std::uint32_t i = 0; i < 4; ++i) {
    if (i != largest) {
      code = code << 10 | to_unorm(sign * parts[i] * std::sqrt(0.5) + 0.5, 10);
    }
  }
  return code;
}

glm::vec3 colour_of(const GaussianCloud& cloud, std::uint32_t i) {
  return cloud.f_dc[i] * kShC0 + 0.5F;
}

ChunkBounds bounds_of(const GaussianCloud& cloud, std::span<const std::uint32_t> chunk) {
  constexpr float kInfinity = INFINITY;
  ChunkBounds box{glm::vec3(kInfinity),  glm::vec3(-kInfinity), glm::vec3(kInfinity),
                  glm::vec3(-kInfinity), glm::vec3(kInfinity),  glm::vec3(-kInfinity)};
  for (const std::uint32_t i : chunk) {
    const glm::vec3& p = cloud.positions[i];
    const glm::vec3 s = glm::clamp(cloud.log_scales[i], -kMaxLogScale, kMaxLogScale);
    const glm::vec3 c = colour_of(cloud, i);
    box.position_min = glm::min(box.position_min, p);
    box.position_max = glm::max(box.position_max, p);
    box.scale_min = glm::min(box.scale_min, s);
    box.scale_max = glm::max(box.scale_max, s);
    box.colour_min = glm::min(box.colour_min, c);
    box.colour_max = glm::max(box.colour_max, c);
  }
  return box;
}

Packed pack(const GaussianCloud& cloud, std::uint32_t i, const ChunkBounds& box) {
  const glm::vec3 c = colour_of(cloud, i);
  std::uint32_t colour = 0;
  for (int channel = 0; channel < 3; ++channel) {
    const double at = place(c[channel], box.colour_min[channel], box.colour_max[channel]);
    colour = colour << 8 | to_unorm(at, 8);
  }
  const double alpha = 1 / (1 + std::exp(-static_cast<double>(cloud.opacity_logits[i])));
  return {pack_11_10_11(cloud.positions[i], box.position_min, box.position_max),
          pack_rotation(cloud.rotations[i]),
          pack_11_10_11(cloud.log_scales[i], box.scale_min, box.scale_max),
          colour << 8 | to_unorm(alpha, 8)};
}

/// Coefficients of one gaussian, channel by channel, eight bits for -4..4.
void write_sh(const GaussianCloud& cloud, std::uint32_t i, ByteWriter& out) {
  const std::size_t n_rest = sh_rest_count(cloud.sh_degree);
  for (std::size_t channel = 0; channel < 3; ++channel) {
    for (std::size_t k = 0; k < n_rest; ++k) {
      const float value = cloud.sh_rest[(i * n_rest + k) * 3 + channel];
      out.write(static_cast<std::uint8_t>(std::clamp((value / 8 + 0.5F) * 256, 0.0F, 255.0F)));
    }
  }
}

std::string header_of(const GaussianCloud& cloud) {
  std::string header = "ply\nformat binary_little_endian 1.0\nelement chunk " +
                       std::to_string((cloud.size() + kChunk - 1) / kChunk) + "\n";
  for (const char* what : {"x", "scale_x", "r"}) {
    for (const char* end : {"min_", "max_"}) {
      std::string name = std::string(end) + what;
      for (int axis = 0; axis < 3; ++axis) {
        name.back() = what[0] == 'r' ? "rgb"[axis] : "xyz"[axis];
        header += "property float " + name + "\n";
      }
    }
  }
  header += "element vertex " + std::to_string(cloud.size()) + "\n";
  for (const char* name : {"position", "rotation", "scale", "color"}) {
    header += std::string("property uint packed_") + name + "\n";
  }
  if (cloud.sh_degree > 0) {
    header += "element sh " + std::to_string(cloud.size()) + "\n";
    for (int k = 0; k < sh_rest_count(cloud.sh_degree) * 3; ++k) {
      header += "property uchar f_rest_" + std::to_string(k) + "\n";
    }
  }
  return header + "end_header\n";
}

}  // namespace

Result<Bytes> encode_compressed_ply(const GaussianCloud& cloud) {
  if (cloud.size() == 0) {
    return fail(Errc::invalid_input, "compressed PLY: a cloud without gaussians cannot be written");
  }
  LODE_CHECK(check_finite(cloud, "compressed PLY"));
  const std::vector<std::uint32_t> order = morton_order(cloud.positions);
  ByteWriter chunks, vertices, sh;
  for (std::size_t first = 0; first < order.size(); first += kChunk) {
    const auto chunk = std::span(order).subspan(first, std::min(kChunk, order.size() - first));
    const ChunkBounds box = bounds_of(cloud, chunk);
    chunks.write(box);
    for (const std::uint32_t i : chunk) {
      vertices.write(pack(cloud, i, box));
      write_sh(cloud, i, sh);
    }
  }
  ByteWriter file;
  file.write_bytes(as_bytes(header_of(cloud)));
  file.write_bytes(chunks.bytes());
  file.write_bytes(vertices.bytes());
  file.write_bytes(sh.bytes());
  return file.take();
}

}  // namespace lode::splat
