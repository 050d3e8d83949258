// Inner loops of the codecs, compiled for several instruction sets; the best is chosen at run time.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lode::splat::kernels {

// Each function does whole vectors and returns how many of `count` elements it has done, always
// from the front; the caller does the rest with the scalar code that defines the result. Both give
// the same bits: sums and products are neither fused nor reordered.

/// What the scalar code means by rounding: half away from zero, for |value| < 2^23.
inline float round_half_away(float value) {
  // The float below 1/2: adding 1/2 itself would carry the float below 1/2 to 1.
  constexpr float kAlmostHalf = 0x1.fffffep-2F;
  return static_cast<float>(
      static_cast<std::int32_t>(value + (value < 0 ? -kAlmostHalf : kAlmostHalf)));
}

/// Whether none of `values` is NaN or infinite.
bool all_finite(const float* values, std::size_t count);
/// Whether none of `values` is NaN.
bool none_nan(const float* values, std::size_t count);

/// out[i] = round(in[i] * scale + offset) clamped to 0..255.
std::size_t pack_bytes(const float* in, std::size_t count, float scale, float offset,
                       std::uint8_t* out);

/// round(in[i] * scale) clamped to 24 bits, little-endian: 3 bytes each.
std::size_t pack_fixed24(const float* in, std::size_t count, float scale, std::uint8_t* out);

/// 24-bit little-endian codes times `step`, a power of two.
std::size_t unpack_fixed24(const std::uint8_t* in, std::size_t count, float step, float* out);

/// round(255 / (1 + e^-logit)) with std::exp's rounding. Logits may be infinite, not NaN.
std::size_t pack_alphas(const float* logits, std::size_t count, std::uint8_t* out);

/// Finite quaternions x y z w to the codes of x y z, see put_rotation in spz_body.cpp.
std::size_t pack_rotations(const float* xyzw, std::size_t count, std::uint8_t* out);

/// The inverse: x y z codes to unit quaternions x y z w with w >= 0.
std::size_t unpack_rotations(const std::uint8_t* in, std::size_t count, float* xyzw);

}  // namespace lode::splat::kernels
