// The inner loop: blends projected gaussians into one 16x16 tile, a row of 16 pixels at a time in
// straight-line code that compilers turn into vector instructions.
#include <algorithm>
#include <bit>
#include <cmath>

#include "render/render_internal.h"

// The same source compiled for wider vectors, picked when the program starts. All of it is
// element-wise arithmetic without contraction, so every variant gives the same bytes.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define LODE_WIDE_VECTORS __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define LODE_WIDE_VECTORS
#endif

namespace lode::render {
namespace {

constexpr float kMaxAlpha = 0.999F;
/// A pixel is finished by the splat that would leave less transmittance than this.
constexpr float kMinTransmittance = 1e-4F;
/// After this many splats the tile's rows are looked at for finished ones.
constexpr std::size_t kLivenessPeriod = 16;

/// e^x for -80 <= x <= 0: 2^n times a polynomial for 2^f, |f| <= 1/2 (Taylor coefficients
/// ln(2)^k / k!, relative error below 2e-7).
inline float exp_negative(float x) {
  const float scaled = x * 1.44269504F;
  const int whole = static_cast<int>(scaled - 0.5F);  // to nearest, since scaled <= 0
  const float f = scaled - static_cast<float>(whole);
  float p = 1.5403530e-4F;
  p = p * f + 1.3333558e-3F;
  p = p * f + 9.6181291e-3F;
  p = p * f + 5.5504109e-2F;
  p = p * f + 2.4022651e-1F;
  p = p * f + 6.9314718e-1F;
  p = p * f + 1.0F;
  return p * std::bit_cast<float>((whole + 127) << 23);
}

}  // namespace

LODE_WIDE_VECTORS
void blend(const std::vector<Splat>& splats, std::span<const std::uint32_t> order, int left,
           int top, Tile& tile) {
  bool row_is_live[kTileSize];
  std::fill(std::begin(row_is_live), std::end(row_is_live), true);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Splat& s = splats[order[i]];
    const int y_begin = std::max(s.y_begin - top, 0);
    const int y_end = std::min(s.y_end - top, kTileSize);
    for (int y = y_begin; y < y_end; ++y) {
      if (!row_is_live[y]) {
        continue;
      }
      const float dy = s.centre.y - (static_cast<float>(top + y) + 0.5F);
      const float half_c_dy2 = 0.5F * s.c * dy * dy;
      const float b_dy = s.b * dy;
      const float x0 = s.centre.x - (static_cast<float>(left) + 0.5F);
      float* transmittance = tile.transmittance + y * kTileSize;
      float* red = tile.red + y * kTileSize;
      float* green = tile.green + y * kTileSize;
      float* blue = tile.blue + y * kTileSize;
      float* depth = tile.depth + y * kTileSize;
#pragma GCC ivdep
      for (int x = 0; x < kTileSize; ++x) {
        const float dx = x0 - static_cast<float>(x);
        const float sigma = 0.5F * s.a * dx * dx + half_c_dy2 + b_dy * dx;
        const float bounded = std::min(std::max(sigma, 0.0F), 80.0F);
        const float alpha = std::min(kMaxAlpha, s.opacity * exp_negative(-bounded));
        const float t = transmittance[x];
        const float next = t * (1 - alpha);
        const bool is_hit = (sigma >= 0) & (alpha >= kMinAlpha);
        const bool is_last = next <= kMinTransmittance;  // always so once t is negative
        const float weight = (is_hit & !is_last) ? alpha * t : 0.0F;
        red[x] += weight * s.colour.x;
        green[x] += weight * s.colour.y;
        blue[x] += weight * s.colour.z;
        depth[x] += weight * s.depth;
        transmittance[x] = is_hit ? (is_last ? -std::abs(t) : next) : t;
      }
    }
    if (i % kLivenessPeriod == kLivenessPeriod - 1) {
      bool any = false;
      for (int y = 0; y < kTileSize; ++y) {
        const float* row = tile.transmittance + y * kTileSize;
        float largest = row[0];
        for (int x = 1; x < kTileSize; ++x) {
          largest = std::max(largest, row[x]);
        }
        row_is_live[y] = largest > 0;
        any |= row_is_live[y];
      }
      if (!any) {
        return;
      }
    }
  }
}

}  // namespace lode::render
