// 8-bit matrices: how far they are from what they hold, and products with them.
#include "nn/quantised.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "nn/layers.h"

namespace lode::nn {
namespace {

using at::Tensor;

Tensor random_matrix(std::int64_t rows, std::int64_t columns) {
  torch::manual_seed(2);
  // Rows of very different size.
  return torch::randn({rows, columns}) * torch::logspace(-3, 3, rows).unsqueeze(1);
}

TEST(Quantised, Int8IsWithinHalfAScaleOfEachWeight) {
  const Tensor weight = random_matrix(37, 53);
  const QuantisedMatrix matrix = quantise(weight, WeightFormat::int8);
  const Tensor error = (dequantise(matrix, at::kFloat) - weight).abs();
  // 1e-5: the division and the product are rounded.
  EXPECT_TRUE(error.le(matrix.scales.unsqueeze(1) * (0.5 + 1e-5)).all().item<bool>());
  EXPECT_EQ(matrix.codes.abs().amax().item<int>(), 127);
  EXPECT_TRUE(torch::allclose(matrix.scales, weight.abs().amax(1) / 127));
}

TEST(Quantised, Int8RoundsTiesToEven) {
  // The scale is 1.
  const Tensor weight = torch::tensor({{127.0F, 0.5F, 1.5F, 2.5F, -0.5F, -1.5F, -126.5F, 0.499F}});
  const Tensor codes = quantise(weight, WeightFormat::int8).codes;
  EXPECT_TRUE(codes.to(at::kInt).equal(torch::tensor({{127, 0, 2, 2, 0, -2, -126, 0}}, at::kInt)));
}

TEST(Quantised, RowsOfZerosAndOfAlmostZerosStayFinite) {
  Tensor weight = torch::zeros({3, 4});
  weight[1][2] = 1e-42F;
  weight[2][0] = -3e38F;
  const QuantisedMatrix matrix = quantise(weight, WeightFormat::int8);
  const Tensor back = dequantise(matrix, at::kFloat);
  EXPECT_TRUE(back.isfinite().all().item<bool>());
  EXPECT_EQ(matrix.scales[0].item<float>(), 1);
  EXPECT_EQ(back[1].abs().max().item<float>(), 0);
  EXPECT_NEAR(back[2][0].item<double>() / -3e38, 1, 1e-5);
}

TEST(Quantised, Fp8IsWithinItsRoundingOrRefused) {
  const Tensor weight = random_matrix(5, 64);
  if (!has_fp8()) {
    EXPECT_THROW(quantise(weight, WeightFormat::fp8), c10::Error);
    return;
  }
  const QuantisedMatrix matrix = quantise(weight, WeightFormat::fp8);
  const Tensor error = (dequantise(matrix, at::kFloat) - weight).abs();
  // e4m3 has three bits after the point, and 2^-9 is its smallest step.
  const Tensor bound = torch::maximum(weight.abs() / 16, matrix.scales.unsqueeze(1) / 1024);
  EXPECT_TRUE(error.le(bound * (1 + 1e-5)).all().item<bool>());
}

double relative_error(const Tensor& got, const Tensor& expected) {
  return ((got.to(at::kDouble) - expected).abs().max() / expected.abs().max()).item<double>();
}

TEST(Quantised, ProductsAreThoseOfTheDequantisedMatrix) {
  torch::manual_seed(3);
  const Tensor x = torch::randn({2, 3, 40});
  const Tensor weight = torch::randn({24, 40});
  const Tensor bias = torch::randn({24});
  const QuantisedMatrix matrix = quantise(weight, WeightFormat::int8);
  const Tensor exact =
      torch::linear(x.to(at::kDouble), dequantise(matrix, at::kDouble), bias.to(at::kDouble));
  EXPECT_LT(relative_error(quantised_linear(x, matrix, bias), exact), 1e-6);
  EXPECT_LT(relative_error(quantised_linear(x, matrix, {}), exact - bias), 1e-6);
  const Tensor narrow = quantised_linear(x.to(at::kBFloat16), matrix, bias.to(at::kBFloat16));
  EXPECT_EQ(narrow.scalar_type(), at::kBFloat16);
  // Inputs, products, scaling and the sum are each rounded to 8 bits.
  EXPECT_LT(relative_error(narrow, exact), 4.0 / 256);
}

// Wider than a tile, so that each has one row; and many rows, of which the last tile has few.
TEST(Quantised, TilesMeetWithoutASeam) {
  torch::manual_seed(4);
  for (const auto& [rows, columns] : {std::pair{3, 1'200'000}, std::pair{70'001, 40}}) {
    const Tensor x = torch::randn({2, columns});
    const QuantisedMatrix matrix = quantise(torch::randn({rows, columns}), WeightFormat::int8);
    const Tensor exact = torch::linear(x.to(at::kDouble), dequantise(matrix, at::kDouble));
    EXPECT_LT(relative_error(quantised_linear(x, matrix, {}), exact), 1e-4);
  }
}

TEST(Quantised, LinearUsesWhatItsParameterHolds) {
  ParameterSet set;
  const Linear linear(set.root(), 6, 4);
  torch::manual_seed(6);
  const Tensor weight = torch::randn({4, 6});
  for (Parameter& parameter : set.all()) {
    if (parameter.kind() == ParameterKind::matrix) {
      parameter.set(quantise(weight, WeightFormat::int8));
    } else {
      parameter.set(torch::ones({4}));
    }
  }
  const Tensor x = torch::randn({5, 6});
  const Tensor plain = torch::linear(x, weight, torch::ones({4}));
  EXPECT_LT(relative_error(linear(x), plain.to(at::kDouble)), 0.02);
  EXPECT_FALSE(linear(x).equal(plain));
}

}  // namespace
}  // namespace lode::nn
