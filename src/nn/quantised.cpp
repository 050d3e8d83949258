#include "nn/quantised.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <torch/version.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "base/assert.h"

#define LODE_TORCH_HAS_FP8 \
  (TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 1))

#if LODE_TORCH_HAS_FP8
#include <c10/util/Float8_e4m3fn.h>
#endif

namespace lode::nn {

namespace {

// Rows of a matrix that are brought to the type of computation at once: 4 MiB of float32 for FLUX's
// widest layer (15360 inputs), which stays in a core's second-level cache for smaller ones.
constexpr std::int64_t kTileElements = 1 << 20;

constexpr float kLargestInt8 = 127, kLargestFp8 = 448;

// 1.5 * 2^23: floats around it are the integers.
constexpr float kRoundingShift = 12582912;

#if !LODE_TORCH_HAS_FP8
[[noreturn]] void refuse_fp8() {
  TORCH_CHECK(false, "this libtorch has no 8-bit floating point; 2.1 and newer have");
}
#endif

}  // namespace

bool has_fp8() { return LODE_TORCH_HAS_FP8; }

float quantise_row(std::span<const float> row, WeightFormat format, std::span<std::uint8_t> codes) {
  LODE_ASSERT(row.size() == codes.size(), "a row has as many codes as weights");
  // Without the sign a float's bits are in the order of its values, and their maximum is vector
  // code where that of floats is not.
  std::uint32_t largest = 0;
  for (const float weight : row) {
    largest = std::max(largest, std::bit_cast<std::uint32_t>(weight) & 0x7fffffffU);
  }
  const float amax = std::bit_cast<float>(largest);
  const float scale = amax / (format == WeightFormat::int8 ? kLargestInt8 : kLargestFp8);
  // A row so small that its scale is none is as good as zeros.
  const float usable = scale > 0 && std::isnormal(scale) ? scale : 1.0F;
  if (format == WeightFormat::int8) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      // In [-127, 127], so that adding this leaves the nearest integer in the low bits.
      const float shifted = row[i] / usable + kRoundingShift;
      codes[i] = static_cast<std::uint8_t>(std::bit_cast<std::uint32_t>(shifted));
    }
    return usable;
  }
#if LODE_TORCH_HAS_FP8
  for (std::size_t i = 0; i < row.size(); ++i) {
    codes[i] = c10::Float8_e4m3fn(std::clamp(row[i] / usable, -kLargestFp8, kLargestFp8)).x;
  }
#else
  refuse_fp8();
#endif
  return usable;
}

QuantisedMatrix empty_quantised(std::int64_t rows, std::int64_t columns, WeightFormat format) {
  c10::ScalarType type = at::kChar;
  if (format == WeightFormat::fp8) {
#if LODE_TORCH_HAS_FP8
    type = at::kFloat8_e4m3fn;
#else
    refuse_fp8();
#endif
  }
  return {at::empty({rows, columns}, at::TensorOptions(type)),
          at::empty({rows}, at::TensorOptions(at::kFloat))};
}

QuantisedMatrix quantise(const at::Tensor& weight, WeightFormat format) {
  LODE_ASSERT(format != WeightFormat::native, "a native matrix is not quantised");
  const at::Tensor wide = weight.to(at::kCPU, at::kFloat).contiguous();
  QuantisedMatrix matrix = empty_quantised(wide.size(0), wide.size(1), format);
  const auto columns = static_cast<std::size_t>(wide.size(1));
  const float* from = wide.data_ptr<float>();
  auto* codes = static_cast<std::uint8_t*>(matrix.codes.data_ptr());
  for (std::int64_t i = 0; i < wide.size(0); ++i, from += columns, codes += columns) {
    matrix.scales.data_ptr<float>()[i] = quantise_row({from, columns}, format, {codes, columns});
  }
  return {matrix.codes.to(weight.device()), matrix.scales.to(weight.device())};
}

at::Tensor dequantise(const QuantisedMatrix& matrix, c10::ScalarType type) {
  return (matrix.codes.to(at::kFloat) * matrix.scales.unsqueeze(1)).to(type);
}

at::Tensor quantised_linear(const at::Tensor& x, const QuantisedMatrix& matrix,
                            const at::Tensor& bias) {
  const std::int64_t rows = matrix.codes.size(0);
  const std::int64_t step = std::max<std::int64_t>(1, kTileElements / matrix.codes.size(1));
  std::vector<at::Tensor> parts;
  for (std::int64_t first = 0; first < rows; first += step) {
    const std::int64_t last = std::min(first + step, rows);
    const at::Tensor weight = matrix.codes.slice(0, first, last).to(x.scalar_type());
    const at::Tensor product = at::linear(x, weight);
    parts.push_back(product.mul_(matrix.scales.slice(0, first, last).to(x.scalar_type())));
  }
  at::Tensor y = at::cat(parts, -1);
  return bias.defined() ? y.add_(bias) : y;
}

}  // namespace lode::nn
