// Attention against its definition in float64, and its gradients against those of the definition.
#include "nn/attention.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <cmath>
#include <limits>

namespace lode::nn {
namespace {

using at::Tensor;

Tensor naive(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& options) {
  const double scale = options.scale.value_or(1 / std::sqrt(static_cast<double>(q.size(-1))));
  Tensor scores = torch::matmul(q.to(at::kDouble) * scale, k.to(at::kDouble).transpose(-2, -1));
  if (options.bias.defined()) {
    scores = scores + options.bias.to(at::kDouble);
  }
  if (options.causal) {
    const Tensor seen = torch::ones({q.size(2), k.size(2)}, at::kBool).tril();
    scores = scores.masked_fill(seen.logical_not(), -std::numeric_limits<double>::infinity());
  }
  return torch::matmul(torch::softmax(scores, -1), v.to(at::kDouble));
}

struct Inputs {
  Tensor q, k, v;
};

Inputs random_inputs(std::int64_t batch, std::int64_t heads, std::int64_t queries,
                     std::int64_t keys, std::int64_t width) {
  torch::manual_seed(1);
  return {torch::randn({batch, heads, queries, width}), torch::randn({batch, heads, keys, width}),
          torch::randn({batch, heads, keys, width})};
}

double largest_error(const Tensor& a, const Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

// 4e-6: float32 sums of some hundred products of values around 1, and exp of logits around 10.
constexpr double kTolerance = 4e-6;

void expect_as_defined(const Inputs& in, const AttentionOptions& options) {
  const Tensor expected = naive(in.q, in.k, in.v, options);
  EXPECT_LT(largest_error(attention_tiled(in.q, in.k, in.v, options), expected), kTolerance);
  EXPECT_LT(largest_error(attention(in.q, in.k, in.v, options), expected), kTolerance);
}

TEST(Attention, EqualsItsDefinition) { expect_as_defined(random_inputs(2, 3, 7, 5, 8), {}); }

TEST(Attention, TakesAScale) { expect_as_defined(random_inputs(1, 2, 9, 9, 4), {.scale = 1.0}); }

TEST(Attention, TakesABiasOfAllHeadsOrOfOne) {
  const Inputs in = random_inputs(2, 3, 6, 10, 8);
  expect_as_defined(in, {.bias = torch::randn({1, 3, 6, 10})});
  expect_as_defined(in, {.bias = torch::randn({2, 1, 1, 10})});
}

TEST(Attention, CausalQueriesSeeNoLaterKey) {
  expect_as_defined(random_inputs(1, 2, 12, 12, 8), {.causal = true});
  expect_as_defined(random_inputs(1, 2, 12, 7, 8), {.causal = true});
  expect_as_defined(random_inputs(1, 2, 7, 12, 8), {.causal = true});
}

TEST(Attention, CausalAndBiasedAtOnce) {
  expect_as_defined(random_inputs(1, 2, 12, 12, 8),
                    {.bias = torch::randn({1, 2, 12, 12}), .causal = true});
}

// 20000 keys make tiles of 52 queries and one head, so that 105 queries end in a tile of one.
TEST(Attention, TilesMeetWithoutASeam) {
  const Inputs in = random_inputs(1, 2, 105, 20000, 4);
  expect_as_defined(in, {});
  expect_as_defined(in, {.bias = torch::randn({1, 2, 105, 1})});
  expect_as_defined(in, {.causal = true});
}

// 700 x 700 scores: two heads a tile, the third alone.
TEST(Attention, HeadsThatFillNoWholeTile) {
  expect_as_defined(random_inputs(2, 3, 700, 700, 4), {});
  expect_as_defined(random_inputs(1, 3, 700, 700, 4), {.causal = true});
}

TEST(Attention, ExtremeLogitsDoNotOverflow) {
  Inputs in = random_inputs(1, 1, 4, 6, 8);
  in.q = in.q * 1e4;
  in.k = in.k * 1e4;
  const Tensor out = attention_tiled(in.q, in.k, in.v);
  EXPECT_TRUE(out.isfinite().all().item<bool>());
  EXPECT_LT(largest_error(out, naive(in.q, in.k, in.v, {})), 1e-5);
}

TEST(Attention, AKeyThatIsForbiddenHasNoWeight) {
  const Inputs in = random_inputs(1, 1, 3, 4, 8);
  Tensor bias = torch::zeros({1, 1, 1, 4});
  bias.select(-1, 2).fill_(-std::numeric_limits<double>::infinity());
  Tensor other = in.v.clone();
  other.select(2, 2).fill_(1e6);
  EXPECT_TRUE(attention(in.q, in.k, in.v, {.bias = bias})
                  .equal(attention(in.q, in.k, other, {.bias = bias})));
}

TEST(Attention, NarrowTypesAreSummedInFloat32) {
  const Inputs in = random_inputs(1, 2, 33, 200, 16);
  const Inputs narrow = {in.q.to(at::kBFloat16), in.k.to(at::kBFloat16), in.v.to(at::kBFloat16)};
  const Tensor out = attention_tiled(narrow.q, narrow.k, narrow.v);
  EXPECT_EQ(out.scalar_type(), at::kBFloat16);
  // One rounding to bfloat16's 8 bits of values below 1.
  EXPECT_LT(largest_error(out, naive(narrow.q, narrow.k, narrow.v, {})), 1.0 / 256);
}

TEST(Attention, HeadsSplitOffByATransposeNeedNoCopy) {
  const Tensor x = torch::randn({1, 20, 3, 8});  // [B, L, H, D]
  const Tensor q = x.transpose(1, 2);
  const Tensor out = attention_tiled(q, q, q);
  EXPECT_LT(largest_error(out, naive(q, q, q, {})), kTolerance);
  EXPECT_TRUE(out.transpose(1, 2).is_contiguous());
}

void expect_gradients(const Inputs& in, AttentionOptions options) {
  const auto gradients = [&](bool tiled) {
    std::vector<Tensor> inputs;
    for (const Tensor& tensor : {in.q, in.k, in.v}) {
      inputs.push_back(tensor.detach().clone().requires_grad_());
    }
    if (options.bias.defined()) {
      options.bias = options.bias.detach().clone().requires_grad_();
      inputs.push_back(options.bias);
    }
    const Tensor out = tiled ? attention_tiled(inputs[0], inputs[1], inputs[2], options)
                             : naive(inputs[0], inputs[1], inputs[2], options);
    const Tensor weights = torch::arange(out.numel(), at::kDouble).sin().view(out.sizes());
    return torch::autograd::grad({(out.to(at::kDouble) * weights).sum()}, inputs);
  };
  const std::vector<Tensor> expected = gradients(false);
  const std::vector<Tensor> got = gradients(true);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_LT(largest_error(got[i], expected[i]), 1e-4) << "input " << i;
  }
}

TEST(Attention, GradientsAreThoseOfTheDefinition) {
  expect_gradients(random_inputs(2, 3, 10, 6, 8), {.bias = torch::randn({1, 3, 10, 6})});
  expect_gradients(random_inputs(1, 2, 9, 9, 8), {.causal = true});
  expect_gradients(random_inputs(1, 3, 700, 700, 4), {});
}

}  // namespace
}  // namespace lode::nn
