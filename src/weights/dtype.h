// The element types of stored tensors.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace lode::weights {

/// What a stored tensor's elements are, all little-endian. f8_e4m3 is OCP's E4M3 without
/// infinities (torch.float8_e4m3fn), f8_e5m2 its E5M2; a boolean is one byte, 0 or 1.
enum class DType { f64, f32, f16, bf16, f8_e4m3, f8_e5m2, i64, i32, i16, i8, u8, boolean };

/// As safetensors spells it: "F32", "BF16", "F8_E4M3", "BOOL".
std::string_view to_string(DType dtype);

/// 1, 2, 4 or 8.
std::size_t element_bytes(DType dtype);

/// The type that safetensors spells so; nothing for spellings that are not read ("U16", "F4").
std::optional<DType> parse_dtype(std::string_view text);

}  // namespace lode::weights
