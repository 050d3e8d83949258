#include "sketch/noise.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <glm/common.hpp>
#include <glm/geometric.hpp>

namespace lode::sketch {
namespace {

using glm::vec3;

/// A hash of a lattice point, well mixed in all bits.
std::uint32_t hash(int x, int y, int z) {
  auto h = static_cast<std::uint32_t>(x) * 0x8da6b343U ^
           static_cast<std::uint32_t>(y) * 0xd8163841U ^
           static_cast<std::uint32_t>(z) * 0xcb1ab31fU;
  h = (h ^ (h >> 15)) * 0x2c1b3c6dU;
  h = (h ^ (h >> 12)) * 0x297a2d39U;
  return h ^ (h >> 15);
}

float lattice(int x, int y, int z) {
  return static_cast<float>(hash(x, y, z) >> 8) * (2.0F / 16777215.0F) - 1.0F;
}

float lerp(float a, float b, float t) { return a + (b - a) * t; }

}  // namespace

float noise(const vec3& p) {
  const vec3 cell = glm::floor(p), f = p - cell;
  const vec3 t = f * f * (3.0F - 2.0F * f);
  const int x = static_cast<int>(cell.x), y = static_cast<int>(cell.y),
            z = static_cast<int>(cell.z);
  const float low = lerp(lerp(lattice(x, y, z), lattice(x + 1, y, z), t.x),
                         lerp(lattice(x, y + 1, z), lattice(x + 1, y + 1, z), t.x), t.y);
  const float high = lerp(lerp(lattice(x, y, z + 1), lattice(x + 1, y, z + 1), t.x),
                          lerp(lattice(x, y + 1, z + 1), lattice(x + 1, y + 1, z + 1), t.x), t.y);
  return lerp(low, high, t.z);
}

float fractal_noise(const vec3& p, int octaves) {
  float sum = 0, weight = 1, total = 0;
  vec3 q = p;
  for (int i = 0; i < octaves; ++i) {
    sum += weight * noise(q);
    total += weight;
    weight *= 0.5F;
    q = q * 2.0F + vec3(17.3F, 9.1F, 31.7F);  // so that lattices do not line up
  }
  return sum / total;
}

float cell_noise(const vec3& p) {
  const vec3 cell = glm::floor(p);
  const int cx = static_cast<int>(cell.x), cy = static_cast<int>(cell.y),
            cz = static_cast<int>(cell.z);
  float least = 4;
  for (int i = 0; i < 27; ++i) {
    const int x = cx + i % 3 - 1, y = cy + i / 3 % 3 - 1, z = cz + i / 9 - 1;
    const std::uint32_t h = hash(x, y, z);
    const vec3 point = vec3(x, y, z) + vec3(h & 1023U, h >> 10 & 1023U, h >> 20 & 1023U) / 1023.0F;
    const vec3 gap = point - p;
    least = std::min(least, glm::dot(gap, gap));
  }
  return std::sqrt(least);
}

}  // namespace lode::sketch
