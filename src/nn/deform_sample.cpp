#include <cmath>
#include <cstddef>
#include <limits>

#include "nn/deform_sample_internal.h"

// Highway compiles this file once for each instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/deform_sample.cpp"
#include <hwy/foreach_target.h>
// Must come after foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace lode::nn::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// The four neighbours of a point and their shares, which are 0 outside of the picture.
struct Corners {
  const float* at[4];
  float share[4];
};

HWY_INLINE Corners corners_of(const DeformSamples& from, float y, float x, float mask) {
  const float top = std::floor(y), left = std::floor(x);
  const float down = y - top, right = x - left;
  const auto row = static_cast<std::int64_t>(top), column = static_cast<std::int64_t>(left);
  Corners corners;
  for (int i = 0; i < 4; ++i) {
    const std::int64_t r = row + i / 2, c = column + i % 2;
    const bool is_inside = r >= 0 && r < from.height && c >= 0 && c < from.width;
    const float share = (i / 2 == 0 ? 1 - down : down) * (i % 2 == 0 ? 1 - right : right);
    corners.at[i] = from.x + (is_inside ? (r * from.width + c) * from.channels : 0);
    corners.share[i] = is_inside ? share * mask : 0.0F;
  }
  return corners;
}

HWY_INLINE void blend(const Corners& from, std::size_t channels, float* to) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t c = 0;
  for (; c + lanes <= channels; c += lanes) {
    auto sum = hn::Mul(hn::Set(d, from.share[0]), hn::LoadU(d, from.at[0] + c));
    for (int i = 1; i < 4; ++i) {
      sum = hn::MulAdd(hn::Set(d, from.share[i]), hn::LoadU(d, from.at[i] + c), sum);
    }
    hn::StoreU(sum, d, to + c);
  }
  for (; c < channels; ++c) {
    to[c] = from.share[0] * from.at[0][c] + from.share[1] * from.at[1][c] +
            from.share[2] * from.at[2][c] + from.share[3] * from.at[3][c];
  }
}

/// One tap of one pixel.
HWY_INLINE void sample_at(const DeformSamples& from, float y, float x, float mask, float* to) {
  const auto channels = static_cast<std::size_t>(from.channels);
  if (y > -1 && y < static_cast<float>(from.height) && x > -1 &&
      x < static_cast<float>(from.width)) {
    blend(corners_of(from, y, x, mask), channels, to);
    return;
  }
  // NaN stays NaN, so that a damaged network does not look sane.
  const float fill =
      std::isnan(y) || std::isnan(x) ? std::numeric_limits<float>::quiet_NaN() : 0.0F;
  for (std::size_t c = 0; c < channels; ++c) {
    to[c] = fill;
  }
}

void sample(const DeformSamples& from, std::int64_t first, std::int64_t end, float* columns) {
  for (std::int64_t p = first; p < end; ++p) {
    const float* offset = from.offset + p * from.offset_stride;
    const float* mask = from.mask + p * from.mask_stride;
    const std::int64_t top = p / from.width - from.kernel / 2;
    const std::int64_t left = p % from.width - from.kernel / 2;
    for (std::int64_t i = 0; i < from.kernel; ++i) {
      for (std::int64_t j = 0; j < from.kernel; ++j) {
        const float y = static_cast<float>(top + i) + offset[0];
        const float x = static_cast<float>(left + j) + offset[1];
        sample_at(from, y, x, *mask, columns);
        offset += 2;
        mask += 1;
        columns += from.channels;
      }
    }
  }
}

}  // namespace lode::nn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lode::nn {

HWY_EXPORT(sample);

void sample_deformed(const DeformSamples& from, std::int64_t first, std::int64_t end,
                     float* columns) {
  HWY_DYNAMIC_DISPATCH(sample)(from, first, end, columns);
}

}  // namespace lode::nn
#endif  // HWY_ONCE
