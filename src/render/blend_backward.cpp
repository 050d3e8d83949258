// The way back through blending: from derivatives by the pixels of one tile to derivatives by the
// splats that drew it.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "render/blend_backward.cpp"
#include <hwy/foreach_target.h>
// Highway's headers come after foreach_target.h.
#include <algorithm>
#include <cmath>

#include "render/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lode::render::HWY_NAMESPACE {

/// One tile's pixels, block-major. With g the derivative by a pixel's colour, alpha and summed
/// depth, q_i = g . (colour_i, depth_i) and w_i = alpha_i T_i,
///
///     dL/dalpha_i = T_i q_i - behind_i / (1 - alpha_i)
///     behind_i    = sum over j > i of w_j q_j + T_end (g . background - g_alpha)
///
/// so walking from the back, two numbers a pixel are enough.
struct Pixels {
  alignas(64) float red[kTilePixels], green[kTilePixels], blue[kTilePixels], depth[kTilePixels];
  alignas(64) float transmittance[kTilePixels];  // in front of the splats walked so far: T_{i+1}
  alignas(64) float behind[kTilePixels];
  alignas(64) std::int32_t last[kTilePixels];
  alignas(64) float x[kTilePixels], y[kTilePixels];  // centres
  std::int32_t block_last[kTileBlocks];              // the largest `last` in the block
};

/// Sums of one splat over the pixels of the tile, a register each.
struct Sums {
  Vec value[kSplatSums];
};

/// Copies the tile's part of an image of kNumbers numbers a pixel, block-major, zeros outside the
/// image.
template <int kNumbers>
void copy_tile(std::span<const float> image, const TileBackwardJob& job, float* tile) {
  const int columns = std::min(kTileSize, job.frame->width - job.left);
  const int rows = std::min(kTileSize, job.frame->height - job.top);
  if (image.empty() || columns < kTileSize || rows < kTileSize) {
    std::fill_n(tile, kTilePixels * kNumbers, 0.0F);
  }
  if (image.empty()) {
    return;
  }
  for (int y = 0; y < rows; ++y) {
    const float* row =
        &image[(static_cast<std::size_t>(job.top + y) * job.frame->width + job.left) * kNumbers];
    float* to = tile + (y / kBlockSize * 4 * kBlockPixels + y % kBlockSize * kBlockSize) * kNumbers;
    for (int x = 0; x < columns; x += kBlockSize) {
      const int length = std::min(kBlockSize, columns - x);
      if (length == kBlockSize) {  // known to the compiler: a few moves
        std::copy_n(row + x * kNumbers, kBlockSize * kNumbers, to + x * kBlockSize * kNumbers);
      } else {
        std::copy_n(row + x * kNumbers, length * kNumbers, to + x * kBlockSize * kNumbers);
      }
    }
  }
}

inline void load_pixels(const TileBackwardJob& job, Pixels& pixels) {
  const F32 d;
  const Frame& frame = *job.frame;
  const FrameGradient& by = *job.by_frame;
  alignas(64) float by_rgb[kTilePixels * 3], by_alpha[kTilePixels], by_depth[kTilePixels];
  alignas(64) float alpha[kTilePixels], depth[kTilePixels];
  copy_tile<3>(by.rgb, job, by_rgb);
  copy_tile<1>(by.alpha, job, by_alpha);
  copy_tile<1>(by.depth, job, by_depth);
  copy_tile<1>(frame.alpha, job, alpha);
  copy_tile<1>(frame.depth, job, depth);
  for (std::size_t at = 0; at < kTilePixels; at += hn::Lanes(d)) {
    Vec red, green, blue;
    hn::LoadInterleaved3(d, by_rgb + at * 3, red, green, blue);
    // Depth is the sum of weight * z over alpha.
    const Vec covered = hn::Load(d, alpha + at);
    const Vec by_sum =
        hn::IfThenElseZero(covered > hn::Zero(d), hn::Load(d, by_depth + at) / covered);
    const Vec by_covered =
        hn::NegMulAdd(by_sum, hn::Load(d, depth + at), hn::Load(d, by_alpha + at));
    const Vec t = hn::LoadU(d, job.trace.transmittance + at);
    const Vec background =
        red * set(job.background.x) + green * set(job.background.y) + blue * set(job.background.z);
    hn::Store(red, d, pixels.red + at);
    hn::Store(green, d, pixels.green + at);
    hn::Store(blue, d, pixels.blue + at);
    hn::Store(by_sum, d, pixels.depth + at);
    hn::Store(t, d, pixels.transmittance + at);
    hn::Store(t * (background - by_covered), d, pixels.behind + at);
    hn::Store(hn::LoadU(I32(), job.trace.last + at), I32(), pixels.last + at);
  }
  for (int b = 0; b < kTileBlocks; ++b) {
    const Vec x = set(static_cast<float>(job.left + b % 4 * kBlockSize));
    const Vec y = set(static_cast<float>(job.top + b / 4 * kBlockSize));
    for (std::size_t lane = 0; lane < kBlockPixels; lane += hn::Lanes(d)) {
      hn::Store(x + hn::Load(d, kPixelX + lane), d, pixels.x + b * kBlockPixels + lane);
      hn::Store(y + hn::Load(d, kPixelY + lane), d, pixels.y + b * kBlockPixels + lane);
    }
    const std::int32_t* last = pixels.last + b * kBlockPixels;
    pixels.block_last[b] = *std::max_element(last, last + kBlockPixels);
  }
}

/// Adds what one register of pixels from `at` contributes to the splat at place `place`. What is
/// not asked for costs nothing: kAbs the sums of absolute values, kDepth what depth contributes.
template <bool kAbs, bool kDepths>
HWY_INLINE void walk_pixels(const Splat& splat, std::int32_t place, Pixels& pixels, std::size_t at,
                            Sums& sums) {
  const F32 d;
  const Vec one = set(1);
  const Reach r = reach(splat, hn::Load(d, pixels.x + at), hn::Load(d, pixels.y + at));
  const Mask before_last =
      hn::RebindMask(d, hn::Load(I32(), pixels.last + at) > hn::Set(I32(), place));
  const Mask drawn = hn::And(r.power >= set(kLog2MinAlpha), before_last);
  const Vec raw = exp2(r.power);
  const Vec alpha = hn::IfThenElseZero(drawn, hn::Min(raw, set(kMaxAlpha)));
  const Vec left = one - alpha;
  Vec inverse = hn::ApproximateReciprocal(left);
  inverse = inverse * hn::NegMulAdd(left, inverse, set(2));  // one step of Newton's method
  const Vec t = hn::Load(d, pixels.transmittance + at) * inverse;
  const Vec weight = alpha * t;
  const Vec red = hn::Load(d, pixels.red + at), green = hn::Load(d, pixels.green + at);
  const Vec blue = hn::Load(d, pixels.blue + at);
  Vec gain = red * set(splat.red);
  gain = hn::MulAdd(green, set(splat.green), gain);
  gain = hn::MulAdd(blue, set(splat.blue), gain);
  if constexpr (kDepths) {
    gain = hn::MulAdd(hn::Load(d, pixels.depth + at), set(splat.depth), gain);
  }
  const Vec behind = hn::Load(d, pixels.behind + at);
  const Vec by_alpha = hn::NegMulAdd(behind, inverse, t * gain);
  hn::Store(hn::MulAdd(weight, gain, behind), d, pixels.behind + at);
  hn::Store(t, d, pixels.transmittance + at);
  // By the natural logarithm of alpha; at the cap alpha does not move.
  const Vec h = hn::IfThenElseZero(hn::And(drawn, raw <= set(kMaxAlpha)), by_alpha * alpha);
  const Vec h_bent = h * r.bent, h_dy = h * r.dy;
  Vec* sum = sums.value;
  sum[kByLogAlpha] = sum[kByLogAlpha] + h;
  sum[kBent] = sum[kBent] + h_bent;
  sum[kDy] = sum[kDy] + h_dy;
  sum[kBentBent] = hn::MulAdd(h_bent, r.bent, sum[kBentBent]);
  sum[kBentDy] = hn::MulAdd(h_bent, r.dy, sum[kBentDy]);
  sum[kDyDy] = hn::MulAdd(h_dy, r.dy, sum[kDyDy]);
  sum[kRed] = hn::MulAdd(red, weight, sum[kRed]);
  sum[kGreen] = hn::MulAdd(green, weight, sum[kGreen]);
  sum[kBlue] = hn::MulAdd(blue, weight, sum[kBlue]);
  if constexpr (kDepths) {
    sum[kDepth] = hn::MulAdd(hn::Load(d, pixels.depth + at), weight, sum[kDepth]);
  }
  if constexpr (kAbs) {  // |dL/dx| and |dL/dy| of this pixel's share, over 2 ln 2
    const Vec by_x = set(splat.p) * h_bent;
    const Vec by_y = hn::NegMulAdd(set(splat.shear), by_x, set(splat.q) * h_dy);
    sum[kAbsX] = sum[kAbsX] + hn::Abs(by_x);
    sum[kAbsY] = sum[kAbsY] + hn::Abs(by_y);
  }
}

#if HWY_TARGET != HWY_SCALAR

/// Adds the 128-bit parts of a register and stores the one that remains.
template <class D>
HWY_INLINE void fold(D d, hn::Vec<D> v, float* out) {
  if constexpr (hn::MaxLanes(D()) > 4) {
    const hn::Half<D> half;
    fold(half, hn::LowerHalf(half, v) + hn::UpperHalf(half, v), out);
  } else {
    hn::StoreU(v, d, out);
  }
}

#endif

/// Sums each register over its lanes: four at a time, by transposing while adding.
inline void reduce(const Sums& sums, float* out) {
#if HWY_TARGET == HWY_SCALAR
  for (int i = 0; i < kSplatSums; ++i) {
    out[i] = hn::GetLane(sums.value[i]);
  }
#else
  static_assert(kSplatSums % 4 == 0);
  const F32 d;
  const hn::RepartitionToWide<F32> wide;
  for (int i = 0; i < kSplatSums; i += 4) {
    const Vec* v = sums.value + i;
    const Vec first = hn::InterleaveLower(d, v[0], v[1]) + hn::InterleaveUpper(d, v[0], v[1]);
    const Vec second = hn::InterleaveLower(d, v[2], v[3]) + hn::InterleaveUpper(d, v[2], v[3]);
    const auto a = hn::BitCast(wide, first), b = hn::BitCast(wide, second);
    fold(d,
         hn::BitCast(d, hn::InterleaveLower(wide, a, b)) +
             hn::BitCast(d, hn::InterleaveUpper(wide, a, b)),
         out + i);
  }
#endif
}

/// Where the splat keeps what this tile gives it.
inline float* sums_of(const TileBackwardJob& job, std::uint32_t index) {
  const Splat& splat = job.splats[index];
  const int column = job.left / kTileSize - splat.x_begin,
            row = job.top / kTileSize - splat.y_begin;
  const auto tile = static_cast<std::size_t>(row * (splat.x_end - splat.x_begin) + column);
  return job.sums + (job.first_entries[index] + tile) * kSplatSums;
}

template <bool kAbs, bool kDepths>
void walk(const TileBackwardJob& job, Pixels& pixels) {
  constexpr std::size_t kAhead = 8;  // splats lie scattered: they are fetched in time
  const F32 d;
  for (std::size_t k = job.n_keys; k-- > 0;) {
    __builtin_prefetch(
        &job.splats[static_cast<std::uint32_t>(job.keys[k < kAhead ? 0 : k - kAhead])]);
    const auto index = static_cast<std::uint32_t>(job.keys[k]);
    const auto place = static_cast<std::int32_t>(k);
    const Splat splat = job.splats[index];
    Sums sums;
    for (Vec& sum : sums.value) {
      sum = hn::Zero(d);
    }
    bool any = false;
    for (std::uint32_t left = job.trace.blocks[k]; left != 0; left &= left - 1) {
      const auto b = static_cast<std::size_t>(__builtin_ctz(left));
      if (place >= pixels.block_last[b]) {
        continue;
      }
      any = true;
      for (std::size_t lane = 0; lane < kBlockPixels; lane += hn::Lanes(d)) {
        walk_pixels<kAbs, kDepths>(splat, place, pixels, b * kBlockPixels + lane, sums);
      }
    }
    if (any) {
      reduce(sums, sums_of(job, index));
    } else {
      std::fill_n(sums_of(job, index), kSplatSums, 0.0F);
    }
  }
}

void blend_backward_tile(const TileBackwardJob& job) {
  const FlushDenormals flush;
  Pixels pixels;
  load_pixels(job, pixels);
  const bool has_depth = !job.by_frame->depth.empty();
  if (job.with_abs) {
    has_depth ? walk<true, true>(job, pixels) : walk<true, false>(job, pixels);
  } else {
    has_depth ? walk<false, true>(job, pixels) : walk<false, false>(job, pixels);
  }
}

}  // namespace lode::render::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lode::render {

HWY_EXPORT(blend_backward_tile);

void blend_backward(const TileBackwardJob& job) { HWY_DYNAMIC_DISPATCH(blend_backward_tile)(job); }

}  // namespace lode::render
#endif
