// What reading and writing agree on: names in errors, and the size that a shape asks for.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "weights/dtype.h"

namespace lode::weights {

/// A text from a file as an error shows it: in quotes, cut at 200 bytes, control bytes as '?'.
std::string in_quotes(std::string_view text);

/// Errc::invalid_input that names the first of equal names.
Result<void> refuse_equal_names(std::vector<std::string_view> names);

/// The bytes of a tensor. Errc::invalid_input for a negative dimension, Errc::limit_exceeded above
/// kMaxRank and where the non-zero dimensions times the element size exceed an int64.
Result<std::size_t> bytes_of_shape(DType dtype, std::span<const std::int64_t> shape);

}  // namespace lode::weights
