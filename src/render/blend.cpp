// The inner loop: blends projected gaussians into one 16x16 tile, a few pixels of a row at a time
// in the compiler's vector types.
#include <algorithm>
#include <array>

#include "render/render_internal.h"

#define LODE_INLINE inline __attribute__((always_inline))

namespace lode::render {
namespace {

constexpr float kMaxAlpha = 0.999F;
/// A pixel is finished by the splat that would leave it this transmittance or less.
constexpr float kMinTransmittance = 1e-4F;
/// e^-x is taken for x up to this: far below any visible alpha, far above underflow.
constexpr float kLargestExponent = 80;
/// After this many splats the tile's rows are looked at for finished ones.
constexpr std::size_t kLivenessPeriod = 16;
/// A tile's splats lie scattered in memory; this many ahead are fetched into the cache.
constexpr std::size_t kPrefetchDistance = 8;

/// Neighbouring pixels of a row, as many as one register of the instruction set holds.
struct Pixels4 {
  static constexpr int kWidth = 4;
  typedef float Float __attribute__((vector_size(16)));
  typedef std::int32_t Int __attribute__((vector_size(16)));
};
struct Pixels8 {
  static constexpr int kWidth = 8;
  typedef float Float __attribute__((vector_size(32)));
  typedef std::int32_t Int __attribute__((vector_size(32)));
};

/// Plain element-wise arithmetic without contraction: the result has the same bytes for every
/// width.
template <class Pixels>
struct Lanes {
  using Float = typename Pixels::Float;
  using Int = typename Pixels::Int;

  static LODE_INLINE Float load(const float* from) {
    Float value;
    __builtin_memcpy(&value, from, sizeof(value));
    return value;
  }
  static LODE_INLINE void store(float* to, Float value) {
    __builtin_memcpy(to, &value, sizeof(value));
  }

  /// 0.5, 1.5, 2.5, ... : offsets of pixel centres.
  static LODE_INLINE Float centres() {
    Float value;
    for (int i = 0; i < Pixels::kWidth; ++i) {
      value[i] = static_cast<float>(i) + 0.5F;
    }
    return value;
  }

  /// e^-x for 0 <= x <= kLargestExponent: 2^n times a polynomial for 2^f, |f| <= 1/2 (Taylor
  /// coefficients ln(2)^k / k!, relative error below 2e-7). Unspecified for negative x.
  static LODE_INLINE Float exp_minus(Float x) {
    const Float scaled = x * -1.44269504F;
    const Int whole = __builtin_convertvector(scaled - 0.5F, Int);  // truncation: to nearest
    const Float f = scaled - __builtin_convertvector(whole, Float);
    Float p = f * 1.5403530e-4F + 1.3333558e-3F;
    p = p * f + 9.6181291e-3F;
    p = p * f + 5.5504109e-2F;
    p = p * f + 2.4022651e-1F;
    p = p * f + 6.9314718e-1F;
    p = p * f + 1.0F;
    return p * reinterpret_cast<Float>((whole + 127) << 23);
  }
};

/// What a splat has in common for the pixels of one row.
struct RowTerms {
  float half_a, b_dy, half_c_dy2;
};

template <class Pixels>
LODE_INLINE void blend_pixels(const Splat& s, const RowTerms& row, float x0, Tile& tile, int at) {
  using L = Lanes<Pixels>;
  using Float = typename L::Float;
  const Float dx = x0 - L::centres();
  const Float sigma = (row.half_a * dx + row.b_dy) * dx + row.half_c_dy2;
  const Float bounded = sigma < kLargestExponent ? sigma : Float{} + kLargestExponent;
  const Float raw_alpha = s.opacity * L::exp_minus(bounded);
  const Float capped = raw_alpha < kMaxAlpha ? raw_alpha : Float{} + kMaxAlpha;
  const Float visible = capped >= kMinAlpha ? capped : Float{};
  const Float alpha = sigma >= 0.0F ? visible : Float{};  // below 0 only by rounding
  const Float t = L::load(tile.transmittance + at);
  const Float next = t - t * alpha;
  // At or below the minimum when this splat finishes the pixel, and ever after, as t is negative.
  const Float weight = next > kMinTransmittance ? alpha * t : Float{};
  L::store(tile.red + at, L::load(tile.red + at) + weight * s.colour.x);
  L::store(tile.green + at, L::load(tile.green + at) + weight * s.colour.y);
  L::store(tile.blue + at, L::load(tile.blue + at) + weight * s.colour.z);
  L::store(tile.depth + at, L::load(tile.depth + at) + weight * s.depth);
  const Float finished = t < 0.0F ? t : -t;
  L::store(tile.transmittance + at, next > kMinTransmittance ? next : finished);
}

bool is_live(const Tile& tile, std::size_t row) {
  const float* begin = &tile.transmittance[row * kTileSize];
  return std::any_of(begin, begin + kTileSize, [](float t) { return t > 0; });
}

template <class Pixels>
LODE_INLINE void blend_tile(std::span<const Splat> splats, std::span<const std::uint32_t> order,
                            int left, int top, Tile& tile) {
  std::array<bool, kTileSize> live{};  // rows with a pixel that is not finished
  live.fill(true);
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i + kPrefetchDistance < order.size()) {
      __builtin_prefetch(&splats[order[i + kPrefetchDistance]]);
    }
    const Splat& s = splats[order[i]];
    const int x_begin = std::max(s.x_begin - left, 0) / Pixels::kWidth * Pixels::kWidth;
    const int x_end = std::min(s.x_end - left, kTileSize);
    const int y_end = std::min(s.y_end - top, kTileSize);
    for (int y = std::max(s.y_begin - top, 0); y < y_end; ++y) {
      if (!live[y]) {
        continue;
      }
      const float dy = s.centre.y - (static_cast<float>(top + y) + 0.5F);
      const RowTerms row{0.5F * s.a, s.b * dy, 0.5F * s.c * dy * dy};
      for (int x = x_begin; x < x_end; x += Pixels::kWidth) {
        blend_pixels<Pixels>(s, row, s.centre.x - static_cast<float>(left + x), tile,
                             y * kTileSize + x);
      }
    }
    if (i % kLivenessPeriod == kLivenessPeriod - 1) {
      bool any = false;
      for (std::size_t y = 0; y < kTileSize; ++y) {
        live[y] = live[y] && is_live(tile, y);
        any |= live[y];
      }
      if (!any) {
        return;
      }
    }
  }
}

}  // namespace

void blend_baseline(std::span<const Splat> splats, std::span<const std::uint32_t> order, int left,
                    int top, Tile& tile) {
  blend_tile<Pixels4>(splats, order, left, top, tile);
}

#if defined(__x86_64__)

// AVX-512 is left out: GCC 12 turns the selects above into scalar code for it.
__attribute__((target("avx2"))) static void blend_avx2(std::span<const Splat> splats,
                                                       std::span<const std::uint32_t> order,
                                                       int left, int top, Tile& tile) {
  blend_tile<Pixels8>(splats, order, left, top, tile);
}

void blend(std::span<const Splat> splats, std::span<const std::uint32_t> order, int left, int top,
           Tile& tile) {
  static const bool has_avx2 = __builtin_cpu_supports("avx2");
  (has_avx2 ? blend_avx2 : blend_baseline)(splats, order, left, top, tile);
}

#else

void blend(std::span<const Splat> splats, std::span<const std::uint32_t> order, int left, int top,
           Tile& tile) {
  blend_baseline(splats, order, left, top, tile);
}

#endif

}  // namespace lode::render
