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
  std::int32_t block_last[kTileBlocks];  // the largest `last` in the block
};

/// Sums of one splat over the pixels of the tile, a register each.
struct Sums {
  Vec value[kSplatSums];
};

inline void load_pixels(const TileBackwardJob& job, Pixels& pixels) {
  const Frame& frame = *job.frame;
  const FrameGradient& by = *job.by_frame;
  for (int i = 0; i < kTilePixels; ++i) {
    const int block = i / kBlockPixels, lane = i % kBlockPixels;
    const int x = job.left + block % 4 * kBlockSize + lane % kBlockSize;
    const int y = job.top + block / 4 * kBlockSize + lane / kBlockSize;
    const float t = job.trace.transmittance[i];
    glm::vec3 rgb(0);
    float by_alpha = 0, by_depth = 0;
    if (x < frame.width && y < frame.height) {
      const std::size_t at = static_cast<std::size_t>(y) * frame.width + x;
      if (!by.rgb.empty()) {
        rgb = {by.rgb[at * 3], by.rgb[at * 3 + 1], by.rgb[at * 3 + 2]};
      }
      if (!by.alpha.empty()) {
        by_alpha = by.alpha[at];
      }
      if (const float alpha = frame.alpha[at]; !by.depth.empty() && alpha > 0) {
        by_depth = by.depth[at] / alpha;  // depth is the sum of weight * z over alpha
        by_alpha -= by_depth * frame.depth[at];
      }
    }
    pixels.red[i] = rgb.x;
    pixels.green[i] = rgb.y;
    pixels.blue[i] = rgb.z;
    pixels.depth[i] = by_depth;
    pixels.transmittance[i] = t;
    pixels.behind[i] = t * (rgb.x * job.background.x + rgb.y * job.background.y +
                            rgb.z * job.background.z - by_alpha);
    pixels.last[i] = job.trace.last[i];
  }
  for (int b = 0; b < kTileBlocks; ++b) {
    const std::int32_t* last = pixels.last + b * kBlockPixels;
    pixels.block_last[b] = *std::max_element(last, last + kBlockPixels);
  }
}

/// Adds what one register of pixels from `at` contributes to the splat at place `place`.
HWY_INLINE void walk_pixels(const Splat& splat, std::int32_t place, Vec pixel_x, Vec pixel_y,
                            Pixels& pixels, std::size_t at, Sums& sums) {
  const F32 d;
  const Vec zero = hn::Zero(d), one = set(1);
  const Reach r = reach(splat, pixel_x, pixel_y);
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
  const Vec blue = hn::Load(d, pixels.blue + at), depth = hn::Load(d, pixels.depth + at);
  Vec gain = red * set(splat.red);
  gain = hn::MulAdd(green, set(splat.green), gain);
  gain = hn::MulAdd(blue, set(splat.blue), gain);
  gain = hn::MulAdd(depth, set(splat.depth), gain);
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
  sum[kDepth] = hn::MulAdd(depth, weight, sum[kDepth]);
  // |dL/dx| and |dL/dy| of this pixel's share, over 2 ln 2.
  const Vec by_x = set(splat.p) * h_bent;
  const Vec by_y = hn::NegMulAdd(set(splat.shear), by_x, set(splat.q) * h_dy);
  sum[kAbsX] = sum[kAbsX] + hn::Abs(by_x);
  sum[kAbsY] = sum[kAbsY] + hn::Abs(by_y);
  static_cast<void>(zero);
}

/// Sums each register over its lanes.
inline void reduce(const Sums& sums, float* out) {
  const F32 d;
  for (int i = 0; i < kSplatSums; ++i) {
    out[i] = hn::GetLane(hn::SumOfLanes(d, sums.value[i]));
  }
}

void blend_backward_tile(const TileBackwardJob& job) {
  const F32 d;
  Pixels pixels;
  load_pixels(job, pixels);
  for (std::size_t k = job.n_keys; k-- > 0;) {
    const auto index = static_cast<std::uint32_t>(job.keys[k]);
    const Splat& splat = job.splats[index];
    const int tile_x = job.left / kTileSize - splat.x_begin;
    const int tile_y = job.top / kTileSize - splat.y_begin;
    float* out =
        job.sums + (job.first_entries[index] +
                    static_cast<std::size_t>(tile_y * (splat.x_end - splat.x_begin) + tile_x)) *
                       kSplatSums;
    if (k >= 8) {
      __builtin_prefetch(&job.splats[static_cast<std::uint32_t>(job.keys[k - 8])]);
    }
    const auto place = static_cast<std::int32_t>(k);
    Sums sums;
    for (Vec& sum : sums.value) {
      sum = hn::Zero(d);
    }
    bool any = false;
    for (std::uint32_t left = job.trace.blocks[k]; left != 0; left &= left - 1) {
      const int b = __builtin_ctz(left);
      if (place >= pixels.block_last[b]) {
        continue;
      }
      any = true;
      const Vec block_x = set(static_cast<float>(job.left + b % 4 * kBlockSize));
      const Vec block_y = set(static_cast<float>(job.top + b / 4 * kBlockSize));
      for (std::size_t lane = 0; lane < kBlockPixels; lane += hn::Lanes(d)) {
        walk_pixels(splat, place, block_x + hn::Load(d, kPixelX + lane),
                    block_y + hn::Load(d, kPixelY + lane), pixels,
                    static_cast<std::size_t>(b) * kBlockPixels + lane, sums);
      }
    }
    if (any) {
      reduce(sums, out);
    } else {
      std::fill_n(out, kSplatSums, 0.0F);
    }
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
