#include <algorithm>

#include "weights/safetensors.h"
#include "weights/tensor_rules_internal.h"

namespace lode::weights {

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kMaxShownBytes = 200;
  std::string shown(text.substr(0, kMaxShownBytes));
  std::ranges::replace_if(
      shown, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return '"' + shown + (text.size() > kMaxShownBytes ? "...\"" : "\"");
}

Result<void> refuse_equal_names(std::vector<std::string_view> names) {
  std::ranges::sort(names);
  const auto equal = std::ranges::adjacent_find(names);
  if (equal != names.end()) {
    return fail(Errc::invalid_input, "tensor " + in_quotes(*equal) + ": comes twice");
  }
  return {};
}

Result<std::size_t> bytes_of_shape(DType dtype, std::span<const std::int64_t> shape) {
  if (shape.size() > kMaxRank) {
    return fail(Errc::limit_exceeded, "shape: " + std::to_string(shape.size()) +
                                          " dimensions, at most " + std::to_string(kMaxRank));
  }
  auto bytes = static_cast<std::int64_t>(element_bytes(dtype));
  bool is_empty = false;
  for (const std::int64_t dimension : shape) {
    if (dimension < 0) {
      return fail(Errc::invalid_input, "shape: negative dimension");
    }
    is_empty = is_empty || dimension == 0;
    if (dimension != 0 && __builtin_mul_overflow(bytes, dimension, &bytes)) {
      return fail(Errc::limit_exceeded, "shape: more bytes than 63 bits count");
    }
  }
  return is_empty ? 0 : static_cast<std::size_t>(bytes);
}

}  // namespace lode::weights
