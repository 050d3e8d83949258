#include "guidance/linear_encoder.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_upsample_bilinear2d_aa.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_solve.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/upsample_bicubic2d.h>

#include <array>
#include <vector>

#include "nn/noise.h"

namespace lode::guidance {

namespace {

// Colours along a side of the pictures of the fit: from a gradient to what changes with each few
// latents. Two pictures of each give thousands of equations for four unknowns.
constexpr std::array<std::int64_t, 8> kGrids = {2, 2, 4, 4, 8, 8, 16, 16};

// Against a singular system where an encoder is constant; far below the colours' variance.
constexpr double kRidge = 1e-6;

at::Tensor colours(const at::Tensor& pictures, std::int64_t rows, std::int64_t columns) {
  return 2 * at::_upsample_bilinear2d_aa(pictures, {rows, columns}, false) - 1;
}

// [B, C, h, w] -> [B h w, C].
at::Tensor as_rows(const at::Tensor& maps) {
  return maps.permute({0, 2, 3, 1}).reshape({-1, maps.size(1)});
}

}  // namespace

at::Tensor LinearEncoder::operator()(const at::Tensor& pictures, std::int64_t rows,
                                     std::int64_t columns) const {
  const at::Tensor means = colours(pictures, rows, columns).permute({0, 2, 3, 1});
  return (at::matmul(means, matrix.t()) + offset).permute({0, 3, 1, 2});
}

LinearEncoder fit_linear_encoder(const std::function<at::Tensor(const at::Tensor&)>& encode,
                                 std::int64_t side) {
  nn::NoiseSource noise(0, "linear encoder");
  std::vector<at::Tensor> known;
  std::vector<at::Tensor> wanted;
  for (const std::int64_t grid : kGrids) {
    const at::Tensor picture =
        at::upsample_bicubic2d(noise.uniform({1, 3, grid, grid}), {side, side}, false).clamp(0, 1);
    const at::Tensor latents = encode(picture);
    wanted.push_back(as_rows(latents));
    known.push_back(as_rows(colours(picture, latents.size(2), latents.size(3))));
  }
  const at::Tensor x = at::cat(known).to(at::kDouble);
  const at::Tensor y = at::cat(wanted).to(at::kDouble);
  const at::Tensor features = at::cat({x, at::ones({x.size(0), 1}, x.options())}, 1);
  const at::Tensor normal = at::matmul(features.t(), features) / x.size(0);
  const at::Tensor solution =
      at::linalg_solve(normal + kRidge * at::eye(normal.size(0), normal.options()),
                       at::matmul(features.t(), y) / x.size(0));
  LinearEncoder fitted;
  fitted.matrix = solution.narrow(0, 0, 3).t().to(at::kFloat).contiguous();
  fitted.offset = solution[3].to(at::kFloat);
  const at::Tensor rest = y - at::matmul(features, solution);
  const at::Tensor spread = y - y.mean(at::IntArrayRef{0}, true);
  fitted.explained = 1 - (rest.square().sum() / spread.square().sum()).item<double>();
  return fitted;
}

}  // namespace lode::guidance
