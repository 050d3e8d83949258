// Narrow floats to float32 and back, bit by bit as IEEE 754 and OCP's 8-bit formats define them.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "weights/dtype.h"

namespace lode::weights {

/// IEEE binary16 to float, exact; a NaN keeps its payload.
inline float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000U) << 16U;
  const std::uint32_t magnitude = half & 0x7fffU;
  // An integer's conversion instead of a subnormal operand, which a thread may have set to flush;
  // of a signed one, for which SSE2 has an instruction.
  const auto whole = static_cast<float>(static_cast<std::int32_t>(magnitude));
  const auto subnormal = std::bit_cast<std::uint32_t>(whole * 0x1p-24F);
  const std::uint32_t rebias = magnitude < 0x7c00U ? 112U << 23U : 224U << 23U;  // to 255 for inf
  const std::uint32_t normal = (magnitude << 13U) + rebias;
  return std::bit_cast<float>(sign | (magnitude < 0x0400U ? subnormal : normal));
}

/// bfloat16 to float: the upper half of a float's bits.
inline float bf16_to_float(std::uint16_t bf16) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bf16) << 16U);
}

/// OCP FP8 E4M3 (v1.0, table 1) to float, exact: bias 7, no infinity, 0x7f and 0xff are NaN,
/// largest 448.
inline float e4m3_to_float(std::uint8_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x80U) << 24U;
  const std::uint32_t magnitude = bits & 0x7fU;
  const auto whole = static_cast<float>(static_cast<std::int32_t>(magnitude));
  const auto subnormal = std::bit_cast<std::uint32_t>(whole * 0x1p-9F);
  const std::uint32_t normal = (magnitude << 20U) + (120U << 23U);
  const std::uint32_t finite = magnitude < 0x08U ? subnormal : normal;
  return std::bit_cast<float>(sign | (magnitude == 0x7fU ? 0x7fc00000U : finite));
}

/// OCP FP8 E5M2 (v1.0, table 1) to float, exact: the upper byte of a binary16.
inline float e5m2_to_float(std::uint8_t bits) {
  return half_to_float(static_cast<std::uint16_t>(bits << 8U));
}

/// float to IEEE binary16, to nearest, ties to even; from 65520 up infinite; NaN stays (quiet) NaN.
inline std::uint16_t float_to_half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16U) & 0x8000U;
  const std::uint32_t magnitude = bits & 0x7fffffffU;
  // Half a unit of binary16's subnormals is that of a float in [0.5, 1): the addition rounds.
  const std::uint32_t subnormal =
      std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5F) - 0x3f000000U;
  const std::uint32_t normal =
      (magnitude + 0x0fffU + ((magnitude >> 13U) & 1U) - (112U << 23U)) >> 13U;
  const std::uint32_t nan = 0x7e00U | ((magnitude >> 13U) & 0x3ffU);
  std::uint32_t half = magnitude < 0x38800000U ? subnormal : normal;  // below 2^-14
  half = magnitude >= 0x47800000U ? 0x7c00U : half;                   // from 2^16
  half = magnitude > 0x7f800000U ? nan : half;
  return static_cast<std::uint16_t>(sign | half);
}

/// float to bfloat16, to nearest, ties to even; NaN stays (quiet) NaN.
inline std::uint16_t float_to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = (bits + 0x7fffU + ((bits >> 16U) & 1U)) >> 16U;
  const bool is_nan = (bits & 0x7fffffffU) > 0x7f800000U;
  return static_cast<std::uint16_t>(is_nan ? (bits >> 16U) | 0x40U : rounded);
}

/// Stored elements of any type as floats: exact from the narrow floats and 8- and 16-bit integers,
/// to nearest from f64, i64 and i32; booleans become 0 or 1. `bytes` are exactly
/// `out.size() * element_bytes(dtype)`, at any alignment.
void to_float(DType dtype, ByteView bytes, std::span<float> out);

/// Floats to f32, f16 or bf16 (no other type). `out` has exactly
/// `values.size() * element_bytes(dtype)` bytes, at any alignment.
void from_float(DType dtype, std::span<const float> values, std::span<std::uint8_t> out);

}  // namespace lode::weights
