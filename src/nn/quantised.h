// Weights of linear layers in 8 bits, with one scale an output channel.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/ScalarType.h>

#include <cstdint>
#include <span>

namespace lode::nn {

/// How the matrices of linear layers are held. Everything else is held as it is computed.
enum class WeightFormat {
  native,  ///< in the type that is computed in
  int8,    ///< symmetric, scale = max |row| / 127
  fp8      ///< e4m3, scale = max |row| / 448; needs a libtorch with that type (2.1)
};

/// A [out, in] matrix as codes times scales: weight[o, i] = codes[o, i] * scales[o].
struct QuantisedMatrix {
  at::Tensor codes;   ///< [out, in], int8 or float8_e4m3fn
  at::Tensor scales;  ///< [out], float32; a row of zeros has scale 1
};

/// One row: codes in the format's own 8 bits, rounded to nearest, ties to even. Returns the scale.
/// `row` is finite and as long as `codes`. Throws c10::Error for fp8 where libtorch has no such
/// type (see has_fp8).
float quantise_row(std::span<const float> row, WeightFormat format, std::span<std::uint8_t> codes);

/// An uninitialised matrix of a format on the CPU, for rows to be quantised into.
QuantisedMatrix empty_quantised(std::int64_t rows, std::int64_t columns, WeightFormat format);

/// quantise_row of each row of `weight` [out, in], float32, bfloat16 or float16, on its device.
QuantisedMatrix quantise(const at::Tensor& weight, WeightFormat format);

/// The matrix in `type`: what linear layers multiply by.
at::Tensor dequantise(const QuantisedMatrix& matrix, c10::ScalarType type);

/// x W^T + bias for W = `matrix`, x [..., in] -> [..., out] in x's type. Rows of W are brought to
/// x's type a tile at a time, so that the whole matrix is never held in it.
at::Tensor quantised_linear(const at::Tensor& x, const QuantisedMatrix& matrix,
                            const at::Tensor& bias);

/// Whether this libtorch can hold fp8.
bool has_fp8();

}  // namespace lode::nn
