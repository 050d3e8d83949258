#include "nn/rope.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/stack.h>

#include <vector>

#include "base/assert.h"

namespace lode::nn {

RotaryTable rotary_table(const at::Tensor& ids, std::span<const std::int64_t> axis_widths,
                         double theta) {
  LODE_ASSERT(ids.dim() == 2 && ids.size(1) == static_cast<std::int64_t>(axis_widths.size()),
              "positions and axes of a rotary table differ in number");
  std::vector<at::Tensor> angles;
  for (std::size_t axis = 0; axis < axis_widths.size(); ++axis) {
    const std::int64_t width = axis_widths[axis];
    LODE_ASSERT(width > 0 && width % 2 == 0, "a rotary axis has an odd width");
    const at::Tensor exponent =
        at::arange(0, width, 2, at::TensorOptions(at::kDouble).device(ids.device())) /
        static_cast<double>(width);
    const at::Tensor frequency = at::pow(theta, exponent).reciprocal();
    const at::Tensor position = ids.select(1, static_cast<std::int64_t>(axis)).to(at::kDouble);
    angles.push_back(at::outer(position, frequency));
  }
  const at::Tensor all = at::cat(angles, 1);
  return {at::cos(all).to(at::kFloat), at::sin(all).to(at::kFloat)};
}

at::Tensor apply_rotary(const at::Tensor& x, const RotaryTable& table) {
  const at::Tensor pairs = x.to(at::kFloat).unflatten(-1, {x.size(-1) / 2, 2});
  const at::Tensor x0 = pairs.select(-1, 0);
  const at::Tensor x1 = pairs.select(-1, 1);
  const at::Tensor turned =
      at::stack({x0 * table.cos - x1 * table.sin, x1 * table.cos + x0 * table.sin}, -1);
  return turned.flatten(-2).to(x.scalar_type());
}

}  // namespace lode::nn
