// The rotary and the sinusoidal embeddings against their formulas in double.
#include "nn/rope.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <array>
#include <cmath>

#include "nn/timestep.h"

namespace lode::nn {
namespace {

using at::Tensor;

TEST(Rope, AnglesFollowEachAxisInTurn) {
  const std::array<std::int64_t, 3> widths = {4, 6, 2};
  const Tensor ids = torch::tensor({{0, 0, 0}, {1, 5, 7}, {3, 1000, 2}}, at::kLong);
  const RotaryTable table = rotary_table(ids, widths, 10000);
  ASSERT_EQ(table.cos.sizes(), at::IntArrayRef({3, 6}));
  ASSERT_EQ(table.sin.scalar_type(), at::kFloat);
  for (std::int64_t row = 0; row < 3; ++row) {
    std::int64_t column = 0;
    for (std::int64_t axis = 0; axis < 3; ++axis) {
      const double width = static_cast<double>(widths[axis]);
      for (std::int64_t j = 0; j < widths[axis] / 2; ++j, ++column) {
        const double angle = ids[row][axis].item<double>() *
                             std::pow(10000.0, -2.0 * static_cast<double>(j) / width);
        // 1e-7: one rounding to float32. An angle of 1000 in float32 would be wrong by 3e-5.
        EXPECT_NEAR(table.cos[row][column].item<double>(), std::cos(angle), 1e-7);
        EXPECT_NEAR(table.sin[row][column].item<double>(), std::sin(angle), 1e-7);
      }
    }
  }
}

TEST(Rope, TurnsAdjacentPairs) {
  const Tensor x = torch::tensor({1.0, 0.0, 0.0, 2.0}).view({1, 1, 4});
  const double half_pi = std::acos(0.0);
  const RotaryTable table = {
      torch::tensor({0.0, std::cos(half_pi / 2)}).view({1, 2}).to(at::kFloat),
      torch::tensor({1.0, std::sin(half_pi / 2)}).view({1, 2}).to(at::kFloat)};
  const Tensor expected =
      torch::tensor({0.0, 1.0, -std::sqrt(2.0), std::sqrt(2.0)}).view({1, 1, 4});
  EXPECT_LT((apply_rotary(x, table) - expected).abs().max().item<double>(), 1e-6);
}

TEST(Rope, KeepsScalarProductsOfEqualDistances) {
  const std::array<std::int64_t, 1> widths = {8};
  const Tensor ids = torch::arange(6).unsqueeze(1);
  const RotaryTable table = rotary_table(ids, widths, 100);
  torch::manual_seed(3);
  const Tensor q = torch::randn({8}).expand({1, 1, 6, 8});
  const Tensor k = torch::randn({8}).expand({1, 1, 6, 8});
  const Tensor products =
      torch::matmul(apply_rotary(q, table), apply_rotary(k, table).transpose(2, 3))[0][0];
  EXPECT_NEAR(products[1][0].item<double>(), products[5][4].item<double>(), 1e-5);
  EXPECT_GT(std::abs(products[1][0].item<double>() - products[0][1].item<double>()), 1e-3);
}

TEST(Rope, KeepsTheTypeAndRoundsOnce) {
  const std::array<std::int64_t, 1> widths = {4};
  const RotaryTable table = rotary_table(torch::arange(3).unsqueeze(1), widths, 10000);
  const Tensor x = torch::randn({2, 3, 4}).to(at::kBFloat16);
  const Tensor turned = apply_rotary(x, table);
  EXPECT_TRUE(turned.equal(apply_rotary(x.to(at::kFloat), table).to(at::kBFloat16)));
}

TEST(Timestep, EqualsItsFormula) {
  const Tensor t = torch::tensor({0.0, 1.0, 752.0}, at::kFloat);
  const Tensor cos_first = timestep_embedding(t, {.width = 8});
  const Tensor sin_first = timestep_embedding(t, {.width = 8, .cos_first = false});
  ASSERT_EQ(cos_first.sizes(), at::IntArrayRef({3, 8}));
  for (std::int64_t row = 0; row < 3; ++row) {
    for (std::int64_t k = 0; k < 4; ++k) {
      const double angle = t[row].item<double>() * std::pow(10000.0, -static_cast<double>(k) / 4);
      // 752 in float32 has steps of 6e-5.
      EXPECT_NEAR(cos_first[row][k].item<double>(), std::cos(angle), 1e-4);
      EXPECT_NEAR(cos_first[row][4 + k].item<double>(), std::sin(angle), 1e-4);
      EXPECT_EQ(sin_first[row][k].item<float>(), cos_first[row][4 + k].item<float>());
    }
  }
}

TEST(Timestep, ShiftScaleAndOddWidth) {
  const Tensor t = torch::tensor({2.0}, at::kFloat);
  const Tensor e = timestep_embedding(
      t, {.width = 7, .downscale_frequency_shift = 1, .scale = 10, .max_period = 100});
  ASSERT_EQ(e.size(1), 7);
  EXPECT_NEAR(e[0][0].item<double>(), std::cos(20.0), 1e-5);
  EXPECT_NEAR(e[0][1].item<double>(), std::cos(2.0), 1e-5);
  EXPECT_NEAR(e[0][2].item<double>(), std::cos(0.2), 1e-5);
  EXPECT_EQ(e[0][6].item<float>(), 0.0F);
}

}  // namespace
}  // namespace lode::nn
