#include "nn/quantised.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/round.h>
#include <ATen/ops/where.h>
#include <torch/version.h>

#include <algorithm>
#include <vector>

#include "base/assert.h"

#define LODE_TORCH_HAS_FP8 \
  (TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 1))

namespace lode::nn {

namespace {

// Rows of a matrix that are brought to the type of computation at once: 4 MiB of float32 for FLUX's
// widest layer (15360 inputs), which stays in a core's second-level cache for smaller ones.
constexpr std::int64_t kTileElements = 1 << 20;

}  // namespace

bool has_fp8() { return LODE_TORCH_HAS_FP8; }

QuantisedMatrix quantise(const at::Tensor& weight, WeightFormat format) {
  LODE_ASSERT(format != WeightFormat::native, "a native matrix is not quantised");
  const at::Tensor wide = weight.to(at::kFloat);
  const double largest = format == WeightFormat::int8 ? 127.0 : 448.0;
  const at::Tensor amax = wide.abs().amax(1);
  const at::Tensor scales = at::where(amax > 0, amax / largest, at::ones_like(amax));
  const at::Tensor scaled = wide / scales.unsqueeze(1);
  if (format == WeightFormat::int8) {
    return {at::round(scaled).to(at::kChar), scales};
  }
#if LODE_TORCH_HAS_FP8
  return {scaled.to(at::kFloat8_e4m3fn), scales};
#else
  TORCH_CHECK(false, "this libtorch has no 8-bit floating point; 2.1 and newer have");
#endif
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
