// Deformable convolution against torchvision's, by its definition pixel by pixel, with every
// instruction set, and its two implementations against each other.
#include "nn/deform_conv.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <cmath>
#include <functional>
#include <limits>

#include "tests/support/golden_tensors.h"

namespace lode::nn {
namespace {

using test::birefnet_golden;
using test::GoldenTensors;
using test::relative_error;

// Sums of some hundred products in float32, in another order.
constexpr double kExact = 2e-6;

const GoldenTensors& golden() {
  static const GoldenTensors tensors(birefnet_golden() / "deform.safetensors");
  return tensors;
}

DeformOperands operands_of(const std::string& name) {
  return {golden()[name + ".x"],
          golden()[name + ".offset"],
          golden()[name + ".mask"],
          golden()[name + ".weight"],
          {}};
}

const char* const kCases[] = {"edges", "k1", "k3", "k7", "far", "whole", "pixel"};

/// Runs `check` with each instruction set that this machine and the build have.
void on_every_instruction_set(const std::function<void()>& check) {
  for (std::int64_t left = hwy::SupportedTargets() & HWY_TARGETS; left != 0; left &= left - 1) {
    const std::int64_t target = left & -left;
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    check();
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
}

TEST(DeformConv, EqualsTorchvisionWithEveryInstructionSet) {
  on_every_instruction_set([] {
    for (const std::string name : kCases) {
      const double error =
          relative_error(deform_conv2d(operands_of(name)), golden()[name + ".out"]);
      EXPECT_LE(error, kExact) << name;
    }
  });
}

TEST(DeformConv, EqualsTorchvisionByOperators) {
  for (const std::string name : kCases) {
    const double error =
        relative_error(deform_conv2d_by_operators(operands_of(name)), golden()[name + ".out"]);
    EXPECT_LE(error, kExact) << name;
  }
}

/// Offsets that put samples at whole pixels, at -1 and H exactly, just inside of both, far outside
/// and anywhere.
DeformOperands random_operands(std::int64_t kernel, std::int64_t channels, std::int64_t height,
                               std::int64_t width) {
  torch::manual_seed(kernel);
  const std::int64_t taps = kernel * kernel;
  DeformOperands made{torch::randn({2, channels, height, width}),
                      torch::randn({2, 2 * taps, height, width}) * 3,
                      torch::rand({2, taps, height, width}) * 2,
                      torch::randn({5, channels, kernel, kernel}), torch::randn({5})};
  const at::Tensor kind = torch::randint(0, 5, made.offset.sizes());
  made.offset = torch::where(kind == 0, made.offset.round(), made.offset);
  made.offset = torch::where(kind == 1, made.offset * 1e6, made.offset);
  const at::Tensor at_end = torch::full({}, static_cast<float>(height));
  made.offset = torch::where(kind == 2, at_end, made.offset);
  made.offset = torch::where(kind == 3, -at_end + 1e-3, made.offset);
  return made;
}

TEST(DeformConv, ImplementationsAgreeForEveryWidthAndKernel) {
  on_every_instruction_set([] {
    for (const std::int64_t kernel : {1, 3, 5, 7}) {
      for (const std::int64_t channels : {1, 3, 4, 8, 17, 64}) {
        const DeformOperands operands = random_operands(kernel, channels, 6, 9);
        EXPECT_LE(relative_error(deform_conv2d(operands), deform_conv2d_by_operators(operands)),
                  kExact)
            << kernel << " " << channels;
      }
    }
  });
}

TEST(DeformConv, TakesOperandsInAnyMemoryLayout) {
  DeformOperands operands = random_operands(3, 8, 6, 9);
  const at::Tensor expected = deform_conv2d(operands);
  const at::Tensor both =
      torch::cat({operands.offset, operands.mask}, 1).contiguous(at::MemoryFormat::ChannelsLast);
  operands.offset = both.narrow(1, 0, 18);
  operands.mask = both.narrow(1, 18, 9);
  operands.x = operands.x.transpose(2, 3).contiguous().transpose(2, 3);
  EXPECT_TRUE(deform_conv2d(operands).equal(expected));
  operands.offset = operands.offset.transpose(2, 3).contiguous().transpose(2, 3);
  EXPECT_TRUE(deform_conv2d(operands).equal(expected));
}

TEST(DeformConv, TilesJoinWithoutASeam) {
  // 49 taps of 600 channels: some 35 pixels to a tile.
  const DeformOperands operands = random_operands(7, 600, 11, 13);
  EXPECT_LE(relative_error(deform_conv2d(operands), deform_conv2d_by_operators(operands)), kExact);
}

TEST(DeformConv, IsAnOrdinaryConvolutionWithoutOffsetsAndMasks) {
  DeformOperands operands = random_operands(3, 4, 8, 7);
  operands.offset.zero_();
  operands.mask.fill_(1);
  EXPECT_LE(relative_error(deform_conv2d(operands),
                           torch::conv2d(operands.x, operands.weight, operands.bias, 1, 1)),
            kExact);
}

TEST(DeformConv, DoesNotHideNanOffsetsAndSurvivesInfiniteOnes) {
  for (const auto& run : {deform_conv2d, deform_conv2d_by_operators}) {
    DeformOperands operands = random_operands(1, 3, 4, 4);
    operands.offset.fill_(std::numeric_limits<float>::infinity());
    operands.offset[0][0][2][3] = std::numeric_limits<float>::quiet_NaN();
    operands.offset[0][1][1][1] = -std::numeric_limits<float>::infinity();
    operands.bias.zero_();
    const at::Tensor out = run(operands);
    EXPECT_EQ(out.isnan().sum().item<int>(), 5);
    EXPECT_TRUE(out[0].select(1, 2).select(1, 3).isnan().all().item<bool>());
    EXPECT_EQ(out.nan_to_num(0).abs().max().item<float>(), 0);
  }
}

TEST(DeformConv, GradientsEqualFiniteDifferences) {
  DeformOperands operands = random_operands(3, 2, 4, 5);
  operands.offset = torch::rand_like(operands.offset) * 0.8 + 0.1;  // no sample on a pixel's edge
  const at::Tensor towards = torch::randn({2, 5, 4, 5});
  const auto value = [&] {
    return (deform_conv2d(operands).to(at::kDouble) * towards).sum().item<double>();
  };
  for (at::Tensor* operand :
       {&operands.x, &operands.offset, &operands.mask, &operands.weight, &operands.bias}) {
    const at::Tensor direction = torch::randn_like(*operand);
    const at::Tensor at = operand->clone();
    constexpr double kStep = 1e-3;
    *operand = at + direction * kStep;
    const double ahead = value();
    *operand = at - direction * kStep;
    const double behind = value();
    *operand = at.clone().requires_grad_();
    const at::Tensor gradient =
        torch::autograd::grad({(deform_conv2d(operands) * towards).sum()}, {*operand})[0];
    *operand = at;
    const double expected = (ahead - behind) / (2 * kStep);
    EXPECT_NEAR((gradient * direction).sum().item<double>(), expected,
                0.02 * std::abs(expected) + 0.05);
  }
}

TEST(DeformConv, KeepsTheTypeAndComputesInFloat32) {
  DeformOperands operands = random_operands(3, 8, 6, 9);
  for (at::Tensor* operand :
       {&operands.x, &operands.offset, &operands.mask, &operands.weight, &operands.bias}) {
    *operand = operand->to(at::kBFloat16).to(at::kFloat);
  }
  const at::Tensor expected = deform_conv2d(operands).to(at::kBFloat16);
  for (at::Tensor* operand :
       {&operands.x, &operands.offset, &operands.mask, &operands.weight, &operands.bias}) {
    *operand = operand->to(at::kBFloat16);
  }
  EXPECT_TRUE(deform_conv2d(operands).equal(expected));
}

TEST(DeformConv, LayerEqualsTheReference) {
  for (const std::int64_t kernel : {1, 3}) {
    const std::string name = "module" + std::to_string(kernel);
    ParameterSet set;
    const DeformConv2d layer(set.root(), 2, 4, kernel);
    const BatchNorm2d nothing(set.root()["bn"], 4, 0);
    for (Parameter& parameter : set.all()) {
      if (parameter.name().starts_with("bn.")) {
        const bool is_one =
            parameter.name().ends_with("weight") || parameter.name().ends_with("var");
        parameter.set(torch::full({4}, is_one ? 1.0F : 0.0F));
      } else {
        parameter.set(golden()[name + "." + parameter.name()]);
      }
    }
    EXPECT_LE(relative_error(layer(golden()[name + ".x"], nothing), golden()[name + ".out"]),
              kExact);
  }
}

TEST(BatchNorm, FoldsIntoTheConvolutionBeforeIt) {
  torch::manual_seed(5);
  ParameterSet set;
  const Conv2d conv(set.root()["conv"], 3, 4, {});
  const BatchNorm2d norm(set.root()["bn"], 4);
  for (Parameter& parameter : set.all()) {
    parameter.set(torch::rand(parameter.shape()) + 0.1);
  }
  const at::Tensor x = torch::randn({2, 3, 5, 6});
  const auto value = [&](const char* name) {
    for (const Parameter& parameter : set.all()) {
      if (parameter.name() == name) {
        return parameter.value();
      }
    }
    return at::Tensor();
  };
  const at::Tensor expected = torch::batch_norm(
      torch::conv2d(x, conv.weight(), conv.bias(), 1, 1), value("bn.weight"), value("bn.bias"),
      value("bn.running_mean"), value("bn.running_var"), false, 0, 1e-5, false);
  EXPECT_LE(relative_error(norm(conv(x)), expected), kExact);
  EXPECT_LE(relative_error(conv(x, norm), expected), kExact);
}

}  // namespace
}  // namespace lode::nn
