#include "nn/timestep.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/sin.h>

#include <cmath>

#include "base/assert.h"

namespace lode::nn {

at::Tensor timestep_embedding(const at::Tensor& t, const TimestepOptions& options) {
  LODE_ASSERT(t.dim() == 1 && options.width >= 2, "time steps are [B], their embedding is wider");
  const std::int64_t half = options.width / 2;
  // The order of operations is the reference's, so that rounding is.
  const at::Tensor exponent = at::arange(half, at::TensorOptions(at::kFloat).device(t.device())) *
                              -std::log(options.max_period) /
                              (static_cast<double>(half) - options.downscale_frequency_shift);
  at::Tensor angle = t.to(at::kFloat).unsqueeze(1) * at::exp(exponent).unsqueeze(0);
  angle = angle * options.scale;
  const at::Tensor cos = at::cos(angle);
  const at::Tensor sin = at::sin(angle);
  const at::Tensor both = options.cos_first ? at::cat({cos, sin}, -1) : at::cat({sin, cos}, -1);
  return options.width % 2 == 0 ? both : at::constant_pad_nd(both, {0, 1});
}

}  // namespace lode::nn
