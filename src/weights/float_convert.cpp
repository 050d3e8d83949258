#include "weights/float_convert.h"

#include <cstring>

#include "base/assert.h"

namespace lode::weights {
namespace {

/// Applies `convert` to each stored element; memcpy, because bytes may lie at any alignment.
template <class Stored, class Convert>
void each_to_float(ByteView bytes, std::span<float> out, Convert convert) {
  const std::uint8_t* in = bytes.data();
  for (std::size_t i = 0; i < out.size(); ++i) {
    Stored value;
    std::memcpy(&value, in + i * sizeof(Stored), sizeof(Stored));
    out[i] = convert(value);
  }
}

template <class Stored>
void cast_to_float(ByteView bytes, std::span<float> out) {
  each_to_float<Stored>(bytes, out, [](Stored value) { return static_cast<float>(value); });
}

template <class Convert>
void each_from_float(std::span<const float> values, std::span<std::uint8_t> out, Convert convert) {
  std::uint8_t* to = out.data();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto stored = convert(values[i]);
    std::memcpy(to + i * sizeof(stored), &stored, sizeof(stored));
  }
}

}  // namespace

void to_float(DType dtype, ByteView bytes, std::span<float> out) {
  LODE_ASSERT(bytes.size() == out.size() * element_bytes(dtype), "as many bytes as floats");
  switch (dtype) {
    case DType::f64:
      return cast_to_float<double>(bytes, out);
    case DType::f32:
      return cast_to_float<float>(bytes, out);
    case DType::f16:
      return each_to_float<std::uint16_t>(bytes, out, half_to_float);
    case DType::bf16:
      return each_to_float<std::uint16_t>(bytes, out, bf16_to_float);
    case DType::f8_e4m3:
      return each_to_float<std::uint8_t>(bytes, out, e4m3_to_float);
    case DType::f8_e5m2:
      return each_to_float<std::uint8_t>(bytes, out, e5m2_to_float);
    case DType::i64:
      return cast_to_float<std::int64_t>(bytes, out);
    case DType::i32:
      return cast_to_float<std::int32_t>(bytes, out);
    case DType::i16:
      return cast_to_float<std::int16_t>(bytes, out);
    case DType::i8:
      return cast_to_float<std::int8_t>(bytes, out);
    case DType::u8:
      return cast_to_float<std::uint8_t>(bytes, out);
    case DType::boolean:
      return each_to_float<std::uint8_t>(bytes, out,
                                         [](std::uint8_t b) { return b == 0 ? 0.0F : 1.0F; });
  }
}

void from_float(DType dtype, std::span<const float> values, std::span<std::uint8_t> out) {
  LODE_ASSERT(out.size() == values.size() * element_bytes(dtype), "as many bytes as floats");
  switch (dtype) {
    case DType::f32:
      return each_from_float(values, out, [](float value) { return value; });
    case DType::f16:
      return each_from_float(values, out, float_to_half);
    case DType::bf16:
      return each_from_float(values, out, float_to_bf16);
    default:
      LODE_ASSERT(false, "floats are narrowed to f16 and bf16 only");
  }
}

}  // namespace lode::weights
