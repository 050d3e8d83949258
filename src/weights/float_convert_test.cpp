#include "weights/float_convert.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "base/rng.h"

namespace lode::weights {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// A small float's layout; the sign bit is on top.
struct Format {
  int exponent_bits, mantissa_bits, bias;
};
constexpr Format kHalf{5, 10, 15}, kBf16{8, 7, 127}, kE4m3{4, 3, 7}, kE5m2{5, 2, 15};

/// What the bits mean by the definition, with the largest exponent an ordinary one.
double value_of(std::uint32_t bits, Format format) {
  const std::uint32_t mantissa = bits & ((1U << format.mantissa_bits) - 1U);
  const int exponent =
      static_cast<int>(bits >> format.mantissa_bits) & ((1 << format.exponent_bits) - 1);
  const bool is_negative = (bits >> (format.mantissa_bits + format.exponent_bits)) & 1U;
  const double magnitude = exponent == 0
                               ? std::ldexp(mantissa, 1 - format.bias - format.mantissa_bits)
                               : std::ldexp((1U << format.mantissa_bits) + mantissa,
                                            exponent - format.bias - format.mantissa_bits);
  return is_negative ? -magnitude : magnitude;
}

/// As value_of, with IEEE's infinities and NaNs in the largest exponent.
double ieee_value_of(std::uint32_t bits, Format format) {
  const std::uint32_t mantissa = bits & ((1U << format.mantissa_bits) - 1U);
  const std::uint32_t largest = (1U << format.exponent_bits) - 1U;
  if (((bits >> format.mantissa_bits) & largest) != largest) {
    return value_of(bits, format);
  }
  const double sign = (bits >> (format.mantissa_bits + format.exponent_bits)) & 1U ? -1 : 1;
  return mantissa == 0 ? sign * kInfinity : std::numeric_limits<double>::quiet_NaN();
}

/// Equal, with the sign of zero, or both NaN.
void expect_same(float got, double expected, std::uint32_t bits) {
  if (std::isnan(expected)) {
    ASSERT_TRUE(std::isnan(got)) << std::hex << bits;
    return;
  }
  ASSERT_EQ(static_cast<double>(got), expected) << std::hex << bits;
  ASSERT_EQ(std::signbit(got), std::signbit(expected)) << std::hex << bits;
}

/// `value` to nearest, ties to even, in a format with IEEE's infinities.
double rounded(float value, Format format) {
  if (value == 0 || !std::isfinite(value)) {
    return value;
  }
  const int exponent = std::max(std::ilogb(value), 1 - format.bias);
  const double unit = std::ldexp(1.0, exponent - format.mantissa_bits);
  const double result = std::nearbyint(static_cast<double>(value) / unit) * unit;
  const double limit = std::ldexp(1.0, format.bias + 1);
  return std::abs(result) >= limit ? std::copysign(kInfinity, value)
                                   : std::copysign(result, static_cast<double>(value));
}

TEST(FloatConvert, ReadsEveryHalf) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    expect_same(half_to_float(static_cast<std::uint16_t>(bits)), ieee_value_of(bits, kHalf), bits);
  }
}

TEST(FloatConvert, ReadsEveryBf16) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    expect_same(bf16_to_float(static_cast<std::uint16_t>(bits)), ieee_value_of(bits, kBf16), bits);
  }
}

TEST(FloatConvert, ReadsEveryE5m2) {
  for (std::uint32_t bits = 0; bits < 256; ++bits) {
    expect_same(e5m2_to_float(static_cast<std::uint8_t>(bits)), ieee_value_of(bits, kE5m2), bits);
  }
}

TEST(FloatConvert, ReadsEveryE4m3WithoutInfinities) {
  for (std::uint32_t bits = 0; bits < 256; ++bits) {
    const bool is_nan = (bits & 0x7fU) == 0x7fU;
    expect_same(e4m3_to_float(static_cast<std::uint8_t>(bits)),
                is_nan ? std::numeric_limits<double>::quiet_NaN() : value_of(bits, kE4m3), bits);
  }
  EXPECT_EQ(e4m3_to_float(0x7e), 448.0F);
}

TEST(FloatConvert, WritesBackEveryHalfAndBf16ThatItReads) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto narrow = static_cast<std::uint16_t>(bits);
    if (!std::isnan(half_to_float(narrow))) {
      ASSERT_EQ(float_to_half(half_to_float(narrow)), narrow);
    }
    if (!std::isnan(bf16_to_float(narrow))) {
      ASSERT_EQ(float_to_bf16(bf16_to_float(narrow)), narrow);
    }
  }
}

void expect_rounds(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) {
    ASSERT_TRUE(std::isnan(half_to_float(float_to_half(value)))) << std::hex << bits;
    ASSERT_TRUE(std::isnan(bf16_to_float(float_to_bf16(value)))) << std::hex << bits;
    return;
  }
  expect_same(half_to_float(float_to_half(value)), rounded(value, kHalf), bits);
  expect_same(bf16_to_float(float_to_bf16(value)), rounded(value, kBf16), bits);
}

TEST(FloatConvert, RoundsToNearestAllOverTheRange) {
  for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << 32U); bits += 4099) {
    expect_rounds(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
  }
}

TEST(FloatConvert, RoundsTiesToEvenBetweenEveryTwoNeighbours) {
  for (std::uint32_t bits = 0; bits < 0x7fffU; ++bits) {
    for (const bool is_half : {true, false}) {
      const auto low = static_cast<std::uint16_t>(bits),
                 high = static_cast<std::uint16_t>(bits + 1);
      const float a = is_half ? half_to_float(low) : bf16_to_float(low);
      const float b = is_half ? half_to_float(high) : bf16_to_float(high);
      if (!std::isfinite(a) || !std::isfinite(b)) {
        continue;
      }
      const float tie = a + (b - a) / 2;
      for (const float value : {tie, std::nextafter(tie, a), std::nextafter(tie, b), -tie}) {
        expect_rounds(value);
      }
    }
  }
  EXPECT_EQ(float_to_half(65519.996F), 0x7bff);
  EXPECT_EQ(float_to_half(65520.0F), 0x7c00);
  EXPECT_EQ(float_to_bf16(std::numeric_limits<float>::max()), 0x7f80);
}

TEST(FloatConvert, KeepsNaNsWhosePayloadIsBelowTheNarrowMantissa) {
  for (const std::uint32_t bits :
       {0x7f800001U, 0xff800001U, 0x7fc00000U, 0x7fffffffU, 0xffffffffU}) {
    expect_rounds(std::bit_cast<float>(bits));
  }
}

TEST(FloatConvert, ConvertsArraysAtAnyAlignmentAsItDoesOne) {
  Rng rng(7);
  constexpr std::size_t kCount = 37;  // not a multiple of any vector
  for (std::size_t shift = 0; shift < 8; ++shift) {
    Bytes storage(shift + kCount * 2);
    for (auto& byte : storage) {
      byte = static_cast<std::uint8_t>(rng.below(256));
    }
    const ByteView bytes = ByteView(storage).subspan(shift);
    std::vector<float> halves(kCount), bf16s(kCount), e4m3s(kCount), e5m2s(kCount);
    to_float(DType::f16, bytes, halves);
    to_float(DType::bf16, bytes, bf16s);
    to_float(DType::f8_e4m3, bytes.first(kCount), e4m3s);
    to_float(DType::f8_e5m2, bytes.first(kCount), e5m2s);
    const auto same = [](float a, float b) {
      return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
    };
    for (std::size_t i = 0; i < kCount; ++i) {
      const auto word = static_cast<std::uint16_t>(bytes[2 * i] | bytes[2 * i + 1] << 8U);
      EXPECT_TRUE(same(halves[i], half_to_float(word)));
      EXPECT_TRUE(same(bf16s[i], bf16_to_float(word)));
      EXPECT_TRUE(same(e4m3s[i], e4m3_to_float(bytes[i])));
      EXPECT_TRUE(same(e5m2s[i], e5m2_to_float(bytes[i])));
    }
  }
}

template <class Stored>
std::vector<float> floats_of(DType dtype, const std::vector<Stored>& values) {
  std::vector<float> out(values.size());
  to_float(dtype,
           {reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(Stored)},
           out);
  return out;
}

TEST(FloatConvert, ReadsWideAndWholeNumbers) {
  using Floats = std::vector<float>;
  EXPECT_EQ(floats_of<double>(DType::f64, {0.1, -2.5}), (Floats{0.1F, -2.5F}));
  EXPECT_EQ(floats_of<float>(DType::f32, {0.1F, -2.5F}), (Floats{0.1F, -2.5F}));
  EXPECT_EQ(floats_of<std::int64_t>(DType::i64, {-1, 1LL << 40}), (Floats{-1, 0x1p40F}));
  EXPECT_EQ(floats_of<std::int32_t>(DType::i32, {-5, 7}), (Floats{-5, 7}));
  EXPECT_EQ(floats_of<std::int16_t>(DType::i16, {-300, 300}), (Floats{-300, 300}));
  EXPECT_EQ(floats_of<std::int8_t>(DType::i8, {-128, 127}), (Floats{-128, 127}));
  EXPECT_EQ(floats_of<std::uint8_t>(DType::u8, {0, 255}), (Floats{0, 255}));
  EXPECT_EQ(floats_of<std::uint8_t>(DType::boolean, {0, 1, 2}), (Floats{0, 1, 1}));
}

TEST(FloatConvert, NarrowsArraysAsItDoesOne) {
  std::vector<float> values(101);
  std::iota(values.begin(), values.end(), -50.3F);
  Bytes storage(1 + values.size() * 4);
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16}) {
    const auto out = std::span(storage).subspan(1, values.size() * element_bytes(dtype));
    from_float(dtype, values, out);
    std::vector<float> back(values.size());
    to_float(dtype, out, back);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float expected = dtype == DType::f32   ? values[i]
                             : dtype == DType::f16 ? half_to_float(float_to_half(values[i]))
                                                   : bf16_to_float(float_to_bf16(values[i]));
      EXPECT_EQ(back[i], expected);
    }
  }
}

}  // namespace
}  // namespace lode::weights
