// Blends the splats of one tile, front to back, a block of 4x4 pixels at a time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "render/blend.cpp"
#include <hwy/foreach_target.h>
// Highway's headers come after foreach_target.h.
#include <algorithm>
#include <cmath>

#include "render/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lode::render::HWY_NAMESPACE {

/// The first pixel centre of every block, from the tile's corner.
alignas(64) inline constexpr float kBlockX[kTileBlocks] = {0.5F, 4.5F,  8.5F, 12.5F, 0.5F, 4.5F,
                                                           8.5F, 12.5F, 0.5F, 4.5F,  8.5F, 12.5F,
                                                           0.5F, 4.5F,  8.5F, 12.5F};
alignas(64) inline constexpr float kBlockY[kTileBlocks] = {0.5F,  0.5F,  0.5F,  0.5F, 4.5F, 4.5F,
                                                           4.5F,  4.5F,  8.5F,  8.5F, 8.5F, 8.5F,
                                                           12.5F, 12.5F, 12.5F, 12.5F};

/// Splats are taken in batches: copied side by side, and each block's share written as bits.
constexpr std::size_t kBatch = 64;

/// Accumulators of one tile.
struct Pixels {
  // What a splat would find if no pixel were ever finished. It only falls, so the comparison that
  // finishes a pixel keeps it finished, and the loop's one chain of dependences is its product.
  alignas(64) float falling[kTilePixels];
  alignas(64) float transmittance[kTilePixels];  // after the last splat that was drawn
  alignas(64) float red[kTilePixels], green[kTilePixels], blue[kTilePixels];
  alignas(64) float depth[kTilePixels];  // sum of weight * z
  alignas(64) std::int32_t last[kTilePixels];
};

struct Batch {
  Splat splats[kBatch];
  alignas(64) std::uint16_t blocks[kBatch];  // bit b: the splat may reach block b
  std::size_t size = 0;
  std::size_t first = 0;  // place in the tile's order of the first splat
};

/// The blocks of the tile in which the splat's alpha reaches kMinAlpha at some point of the
/// rectangle of pixel centres. The smallest value of the quadratic form over a rectangle lies at
/// its centre, or on one of the two edges that face the centre.
inline std::uint16_t reached_blocks(const Splat& splat, Vec block_x, Vec block_y) {
  const F32 d;
  const Vec zero = hn::Zero(d);
  const Vec span = set(kBlockSize - 1);
  const Vec left = block_x - set(splat.x), top = block_y - set(splat.y);
  const Vec right = left + span, bottom = top + span;
  const Vec near_x = hn::Max(left, hn::Min(right, zero));
  const Vec near_y = hn::Max(top, hn::Min(bottom, zero));
  const Vec shear = set(splat.shear), p = set(splat.p), q = set(splat.q);
  const auto form = [&](Vec x, Vec y) {
    const Vec bent = hn::NegMulAdd(shear, y, x);
    return hn::MulAdd(p * bent, bent, q * y * y);
  };
  const Vec y = hn::Max(top, hn::Min(bottom, set(splat.lean) * near_x));
  const Vec x = hn::Max(left, hn::Min(right, shear * near_y));
  const Vec least = hn::Min(form(near_x, y), form(x, near_y));
  // A little more than the limit: rounding must not lose a pixel.
  const float limit = splat.log_opacity - kLog2MinAlpha;
  const Mask reached = least <= set(limit * 1.0001F + 1e-3F);
  std::uint64_t bits = 0;
  hn::StoreMaskBits(d, reached, reinterpret_cast<std::uint8_t*>(&bits));
  return static_cast<std::uint16_t>(bits);
}

/// Copies the next splats, and finds for each the live blocks that it may reach.
inline void fill(Batch& batch, const TileJob& job, std::uint16_t live) {
  const std::size_t lanes = hn::Lanes(F32());
  const Vec left = set(static_cast<float>(job.left)), top = set(static_cast<float>(job.top));
  batch.size = std::min(kBatch, job.n_keys - batch.first);
  for (std::size_t i = 0; i < batch.size; ++i) {
    const std::size_t ahead = std::min(batch.first + i + 16, job.n_keys - 1);
    __builtin_prefetch(&job.splats[static_cast<std::uint32_t>(job.keys[ahead])]);
    batch.splats[i] = job.splats[static_cast<std::uint32_t>(job.keys[batch.first + i])];
    std::uint32_t blocks = 0;
    for (std::size_t b = 0; b < kTileBlocks; b += lanes) {
      const std::uint32_t bits = reached_blocks(
          batch.splats[i], left + hn::Load(F32(), kBlockX + b), top + hn::Load(F32(), kBlockY + b));
      blocks |= bits << b;
    }
    batch.blocks[i] = static_cast<std::uint16_t>(blocks & live);
  }
  std::fill(batch.blocks + batch.size, batch.blocks + kBatch, std::uint16_t{0});
  if (job.trace.blocks != nullptr) {
    std::copy_n(batch.blocks, batch.size, job.trace.blocks + batch.first);
  }
}

/// The splats of the batch that may reach a block, as bits.
inline std::uint64_t splats_reaching(const Batch& batch, int block) {
  const hn::CappedTag<std::uint16_t, 32> d;
  const auto bit = hn::Set(d, static_cast<std::uint16_t>(1U << block));
  std::uint64_t splats = 0;
  for (std::size_t i = 0; i < kBatch; i += hn::Lanes(d)) {
    std::uint64_t bits = 0;
    hn::StoreMaskBits(d, hn::TestBit(hn::Load(d, batch.blocks + i), bit),
                      reinterpret_cast<std::uint8_t*>(&bits));
    splats |= bits << i;
  }
  return splats;
}

/// Blends the splats that `which` names into one register of pixels from `at`; returns whether any
/// of them still lets light through. kTrace notes the last contributor of every pixel, kCount
/// counts the contributions.
template <bool kTrace, bool kCount>
HWY_INLINE bool blend_pixels(const Batch& batch, std::uint64_t which, Vec pixel_x, Vec pixel_y,
                             Pixels& pixels, std::size_t at, std::size_t* n_pairs) {
  const F32 d;
  Vec falling = hn::Load(d, pixels.falling + at);
  Vec transmittance = hn::Load(d, pixels.transmittance + at);
  Vec red = hn::Load(d, pixels.red + at), green = hn::Load(d, pixels.green + at);
  Vec blue = hn::Load(d, pixels.blue + at), depth = hn::Load(d, pixels.depth + at);
  auto last = hn::Load(I32(), pixels.last + at);
  bool live = !hn::AllFalse(d, falling > set(kMinTransmittance));
  for (; live && which != 0; which &= which - 1) {
    const auto i = static_cast<std::size_t>(__builtin_ctzll(which));
    const Splat& splat = batch.splats[i];
    const Vec power = reach(splat, pixel_x, pixel_y).power;
    const Mask visible = power >= set(kLog2MinAlpha);
    const Vec alpha = hn::IfThenElseZero(visible, hn::Min(exp2(power), set(kMaxAlpha)));
    const Vec next = hn::NegMulAdd(falling, alpha, falling);
    const Mask open = next > set(kMinTransmittance);
    const Vec weight = hn::IfThenElseZero(open, alpha * falling);
    red = hn::MulAdd(weight, set(splat.red), red);
    green = hn::MulAdd(weight, set(splat.green), green);
    blue = hn::MulAdd(weight, set(splat.blue), blue);
    depth = hn::MulAdd(weight, set(splat.depth), depth);
    transmittance = hn::IfThenElse(open, next, transmittance);
    falling = next;
    if constexpr (kTrace) {
      last = hn::IfThenElse(hn::RebindMask(I32(), hn::And(open, visible)),
                            hn::Set(I32(), static_cast<std::int32_t>(batch.first + i + 1)), last);
    }
    if constexpr (kCount) {
      *n_pairs += hn::CountTrue(d, hn::And(open, visible));
    }
    live = !hn::AllFalse(d, open);
  }
  hn::Store(falling, d, pixels.falling + at);
  hn::Store(transmittance, d, pixels.transmittance + at);
  hn::Store(red, d, pixels.red + at);
  hn::Store(green, d, pixels.green + at);
  hn::Store(blue, d, pixels.blue + at);
  hn::Store(depth, d, pixels.depth + at);
  if constexpr (kTrace) {
    hn::Store(last, I32(), pixels.last + at);
  }
  return live;
}

template <bool kTrace, bool kCount>
void blend_batch(const Batch& batch, const TileJob& job, std::uint16_t& live, Pixels& pixels) {
  const F32 d;
  for (std::uint32_t left = live; left != 0; left &= left - 1) {
    const int b = __builtin_ctz(left);
    const std::uint64_t which = splats_reaching(batch, b);
    if (which == 0) {
      continue;
    }
    const Vec block_x = set(static_cast<float>(job.left + b % 4 * kBlockSize));
    const Vec block_y = set(static_cast<float>(job.top + b / 4 * kBlockSize));
    bool any = false;
    for (std::size_t lane = 0; lane < kBlockPixels; lane += hn::Lanes(d)) {
      any |= blend_pixels<kTrace, kCount>(batch, which, block_x + hn::Load(d, kPixelX + lane),
                                          block_y + hn::Load(d, kPixelY + lane), pixels,
                                          static_cast<std::size_t>(b) * kBlockPixels + lane,
                                          job.n_pairs);
    }
    if (!any) {
      live = static_cast<std::uint16_t>(live & ~(1U << b));
    }
  }
}

/// Nothing drawn yet; pixels outside the image are finished. Returns the blocks with any inside.
inline std::uint16_t clear(Pixels& pixels, const TileJob& job) {
  std::fill(std::begin(pixels.falling), std::end(pixels.falling), 1.0F);
  std::fill(std::begin(pixels.transmittance), std::end(pixels.transmittance), 1.0F);
  std::fill(std::begin(pixels.red), std::end(pixels.red), 0.0F);
  std::fill(std::begin(pixels.green), std::end(pixels.green), 0.0F);
  std::fill(std::begin(pixels.blue), std::end(pixels.blue), 0.0F);
  std::fill(std::begin(pixels.depth), std::end(pixels.depth), 0.0F);
  std::fill(std::begin(pixels.last), std::end(pixels.last), 0);
  const int columns = std::min(kTileSize, job.frame->width - job.left);
  const int rows = std::min(kTileSize, job.frame->height - job.top);
  if (columns == kTileSize && rows == kTileSize) {
    return 0xffff;
  }
  std::uint32_t live = 0;
  for (int b = 0; b < kTileBlocks; ++b) {
    for (int i = 0; i < kBlockPixels; ++i) {
      const int x = b % 4 * kBlockSize + i % kBlockSize, y = b / 4 * kBlockSize + i / kBlockSize;
      const bool inside = x < columns && y < rows;
      pixels.falling[b * kBlockPixels + i] = inside ? 1.0F : 0.0F;
      live |= (inside ? 1U : 0U) << b;
    }
  }
  return static_cast<std::uint16_t>(live);
}

HWY_INLINE void copy_pixels(int n, const float* rgb, const float* alpha, const float* depth,
                            int from, Frame& frame, std::size_t to) {
  std::copy_n(rgb + from * 3, n * 3, &frame.rgb[to * 3]);
  std::copy_n(alpha + from, n, &frame.alpha[to]);
  std::copy_n(depth + from, n, &frame.depth[to]);
}

/// Puts the background behind the tile and writes it into the frame.
inline void store(Pixels& pixels, const TileJob& job) {
  const F32 d;
  const Vec zero = hn::Zero(d);
  alignas(64) float rgb[kTilePixels * 3], alpha[kTilePixels], depth[kTilePixels];
  for (std::size_t at = 0; at < kTilePixels; at += hn::Lanes(d)) {
    const Vec t = hn::Load(d, pixels.transmittance + at);
    const Vec covered = set(1) - t;
    hn::StoreInterleaved3(hn::MulAdd(t, set(job.background.x), hn::Load(d, pixels.red + at)),
                          hn::MulAdd(t, set(job.background.y), hn::Load(d, pixels.green + at)),
                          hn::MulAdd(t, set(job.background.z), hn::Load(d, pixels.blue + at)), d,
                          rgb + at * 3);
    hn::Store(covered, d, alpha + at);
    hn::Store(hn::IfThenElseZero(covered > zero, hn::Load(d, pixels.depth + at) / covered), d,
              depth + at);
  }
  Frame& frame = *job.frame;
  const int rows = std::min(kTileSize, frame.height - job.top);
  for (int y = 0; y < rows; ++y) {
    for (int block = 0; block < kTileSize / kBlockSize; ++block) {
      const int x = job.left + block * kBlockSize;
      const int n = std::min(kBlockSize, frame.width - x);
      if (n <= 0) {
        break;
      }
      const int from = (y / kBlockSize * 4 + block) * kBlockPixels + y % kBlockSize * kBlockSize;
      const std::size_t to = static_cast<std::size_t>(job.top + y) * frame.width + x;
      if (n == kBlockSize) {  // a length known to the compiler: a few moves
        copy_pixels(kBlockSize, rgb, alpha, depth, from, frame, to);
      } else {
        copy_pixels(n, rgb, alpha, depth, from, frame, to);
      }
    }
  }
}

void blend_tile(const TileJob& job) {
  const FlushDenormals flush;
  Pixels pixels;
  std::uint16_t live = clear(pixels, job);
  const bool has_trace = job.trace.transmittance != nullptr;
  Batch batch;
  for (; batch.first < job.n_keys && live != 0; batch.first += kBatch) {
    fill(batch, job, live);
    if (job.n_pairs != nullptr) {
      blend_batch<false, true>(batch, job, live, pixels);
    } else if (has_trace) {
      blend_batch<true, false>(batch, job, live, pixels);
    } else {
      blend_batch<false, false>(batch, job, live, pixels);
    }
  }
  store(pixels, job);
  if (has_trace) {
    std::copy_n(pixels.transmittance, kTilePixels, job.trace.transmittance);
    std::copy_n(pixels.last, kTilePixels, job.trace.last);
    if (batch.first < job.n_keys) {
      std::fill(job.trace.blocks + batch.first, job.trace.blocks + job.n_keys, std::uint16_t{0});
    }
  }
}

}  // namespace lode::render::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lode::render {

HWY_EXPORT(blend_tile);

void blend(const TileJob& job) { HWY_DYNAMIC_DISPATCH(blend_tile)(job); }

}  // namespace lode::render
#endif
