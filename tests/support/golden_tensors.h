// Tensors of golden .safetensors files as libtorch's, and how far another tensor is from them.
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <string_view>

#include "weights/checkpoint.h"
#include "weights/float_convert.h"

namespace lode::test {

/// The folder of FLUX's golden files; its README lists the tensors.
inline std::filesystem::path flux_golden() {
  return std::filesystem::path(LODE_SOURCE_DIR) / "tests" / "golden" / "flux";
}

/// The folder of BiRefNet's.
inline std::filesystem::path birefnet_golden() {
  return std::filesystem::path(LODE_SOURCE_DIR) / "tests" / "golden" / "birefnet";
}

/// A stored tensor as it is: int64 and uint8 stay, floats become float32.
inline at::Tensor to_tensor(const weights::StoredTensor& stored) {
  const at::IntArrayRef shape(stored.shape.data(), stored.shape.size());
  if (stored.dtype == weights::DType::i64 || stored.dtype == weights::DType::u8) {
    const at::ScalarType type = stored.dtype == weights::DType::i64 ? at::kLong : at::kByte;
    at::Tensor tensor = at::empty(shape, at::TensorOptions(type));
    std::copy(stored.bytes.begin(), stored.bytes.end(),
              static_cast<std::uint8_t*>(tensor.data_ptr()));
    return tensor;
  }
  at::Tensor tensor = at::empty(shape, at::TensorOptions(at::kFloat));
  weights::to_float(stored.dtype, stored.bytes,
                    {tensor.data_ptr<float>(), static_cast<std::size_t>(tensor.numel())});
  return tensor;
}

class GoldenTensors {
 public:
  explicit GoldenTensors(const std::filesystem::path& path)
      : checkpoint_(weights::Checkpoint::open(path).value()) {}

  at::Tensor operator[](std::string_view name) const {
    const auto stored = checkpoint_.find(name);
    if (!stored) {
      ADD_FAILURE() << "the golden file has no tensor " << name;
      return at::empty({0}, at::TensorOptions(at::kFloat));
    }
    return to_tensor(*stored);
  }

 private:
  weights::Checkpoint checkpoint_;
};

/// ||a - b|| / ||b||; infinite when shapes differ.
inline double relative_error(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes()) {
    ADD_FAILURE() << "shapes differ: " << a.sizes() << " and " << b.sizes();
    return INFINITY;
  }
  const at::Tensor wide = b.to(at::kDouble);
  return ((a.to(at::kDouble) - wide).norm() / wide.norm()).item<double>();
}

}  // namespace lode::test
