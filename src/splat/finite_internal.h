// What every packer asks of a cloud: numbers.
#pragma once

#include <string_view>

#include "base/result.h"
#include "splat/cloud.h"

namespace lode::splat {

/// Errc::invalid_input that names the first gaussian with a parameter that is not finite; opacity
/// logits may be infinite, not NaN. `format` begins the message.
Result<void> check_finite(const GaussianCloud& cloud, std::string_view format);

}  // namespace lode::splat
