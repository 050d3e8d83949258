#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/assert.h"
#include "nn/materialise_internal.h"
#include "weights/float_convert.h"

namespace lode::nn {

namespace {

using weights::DType;
using weights::StoredTensor;

// Floats that are converted at once: 64 KiB, which stay in the first caches between the steps.
constexpr std::size_t kChunk = 1 << 14;

/// Whether no element has all bits of its exponent set.
template <class Word>
bool all_finite(ByteView bytes, Word exponent) {
  const std::size_t count = bytes.size() / sizeof(Word);
  for (std::size_t begin = 0; begin < count; begin += kChunk) {
    const std::size_t end = std::min(begin + kChunk, count);
    unsigned found = 0;  // no branch inside, so that the loop becomes vector code
    for (std::size_t i = begin; i < end; ++i) {
      Word word;
      std::memcpy(&word, bytes.data() + i * sizeof(Word), sizeof(Word));
      found |= static_cast<unsigned>((word & exponent) == exponent);
    }
    if (found != 0) {
      return false;
    }
  }
  return true;
}

bool all_finite(std::span<const float> values) {
  return all_finite<std::uint32_t>(
      ByteView(reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()),
      0x7f800000U);
}

bool all_finite(const StoredTensor& stored) {
  switch (stored.dtype) {
    case DType::f32:
      return all_finite<std::uint32_t>(stored.bytes, 0x7f800000U);
    case DType::f16:
      return all_finite<std::uint16_t>(stored.bytes, 0x7c00U);
    case DType::bf16:
      return all_finite<std::uint16_t>(stored.bytes, 0x7f80U);
    default:
      LODE_ASSERT(false, "only types of computation are mapped");
  }
}

DType stored_type_of(c10::ScalarType type) {
  switch (type) {
    case c10::ScalarType::Float:
      return DType::f32;
    case c10::ScalarType::BFloat16:
      return DType::bf16;
    case c10::ScalarType::Half:
      return DType::f16;
    default:
      LODE_ASSERT(false, "networks compute in float32, bfloat16 or float16");
  }
}

ByteView elements(const StoredTensor& stored, std::size_t first, std::size_t count) {
  const std::size_t size = weights::element_bytes(stored.dtype);
  return stored.bytes.subspan(first * size, count * size);
}

Materialised not_finite() {
  Materialised made;
  made.is_finite = false;
  return made;
}

Materialised map(const Parameter& parameter, const StoredTensor& stored,
                 const MaterialiseOptions& options) {
  if (options.check_values && !all_finite(stored)) {
    return not_finite();
  }
  Materialised made;
  made.is_mapped = true;
  // from_blob has no form for memory that is only read; layers write to no weight.
  void* bytes = const_cast<std::uint8_t*>(stored.bytes.data());
  made.value = at::from_blob(
      bytes, parameter.shape(), [owner = options.owner](void*) {},
      at::TensorOptions(options.placement.compute));
  return made;
}

at::TensorOptions on_host(const MaterialiseOptions& options) {
  // From pinned memory a copy to a GPU goes its own way.
  return at::TensorOptions().pinned_memory(options.placement.device.is_cuda());
}

at::Tensor placed(const at::Tensor& tensor, const Placement& placement) {
  return placement.device.is_cpu() ? tensor : tensor.to(placement.device, /*non_blocking=*/true);
}

Materialised convert(const Parameter& parameter, const StoredTensor& stored,
                     const MaterialiseOptions& options) {
  const c10::ScalarType compute = options.placement.compute;
  const DType type = stored_type_of(compute);
  const at::Tensor out = at::empty(parameter.shape(), on_host(options).dtype(compute));
  auto* to = static_cast<std::uint8_t*>(out.data_ptr());
  const std::size_t size = weights::element_bytes(type);
  const auto count = static_cast<std::size_t>(parameter.count());
  std::vector<float> narrow(type == DType::f32 ? 0 : std::min(count, kChunk));
  for (std::size_t first = 0; first < count; first += kChunk) {
    const std::size_t some = std::min(kChunk, count - first);
    const std::span<float> values = narrow.empty()
                                        ? std::span(reinterpret_cast<float*>(to) + first, some)
                                        : std::span(narrow).first(some);
    weights::to_float(stored.dtype, elements(stored, first, some), values);
    if (options.check_values && !all_finite(values)) {
      return not_finite();
    }
    if (!narrow.empty()) {
      weights::from_float(type, values, std::span(to + first * size, some * size));
    }
  }
  Materialised made;
  made.value = placed(out, options.placement);
  return made;
}

Materialised convert_to_codes(const Parameter& parameter, const StoredTensor& stored,
                              const MaterialiseOptions& options) {
  const auto rows = static_cast<std::size_t>(parameter.shape()[0]);
  const auto columns = static_cast<std::size_t>(parameter.shape()[1]);
  const WeightFormat format = options.placement.format;
  QuantisedMatrix matrix = empty_quantised(parameter.shape()[0], parameter.shape()[1], format);
  auto* codes = static_cast<std::uint8_t*>(matrix.codes.data_ptr());
  auto* scales = matrix.scales.data_ptr<float>();
  std::vector<float> row(columns);
  for (std::size_t i = 0; i < rows; ++i) {
    weights::to_float(stored.dtype, elements(stored, i * columns, columns), row);
    if (options.check_values && !all_finite(row)) {
      return not_finite();
    }
    scales[i] = quantise_row(row, format, std::span(codes + i * columns, columns));
  }
  Materialised made;
  made.quantised = {placed(matrix.codes, options.placement),
                    placed(matrix.scales, options.placement)};
  return made;
}

}  // namespace

Materialised materialise(const Parameter& parameter, const StoredTensor& stored,
                         const MaterialiseOptions& options) {
  const Placement& placement = options.placement;
  if (parameter.kind() == ParameterKind::matrix && placement.format != WeightFormat::native) {
    return convert_to_codes(parameter, stored, options);
  }
  const bool is_aligned = reinterpret_cast<std::uintptr_t>(stored.bytes.data()) %
                              weights::element_bytes(stored.dtype) ==
                          0;
  if (placement.device.is_cpu() && is_aligned &&
      stored_type_of(placement.compute) == stored.dtype) {
    return map(parameter, stored, options);
  }
  return convert(parameter, stored, options);
}

}  // namespace lode::nn
