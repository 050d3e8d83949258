// The blocks' names and shapes as diffusers has them, and their values against plain operators.
#include "nn/blocks.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <map>
#include <string>

namespace lode::nn {
namespace {

using at::Tensor;
using Shapes = std::map<std::string, Shape>;

/// Gives every parameter values of its own; returns them by name.
std::map<std::string, Tensor> fill(ParameterSet& set) {
  torch::manual_seed(5);
  std::map<std::string, Tensor> values;
  for (Parameter& parameter : set.all()) {
    values[parameter.name()] = torch::randn(parameter.shape()) * 0.3;
    parameter.set(values[parameter.name()]);
  }
  return values;
}

Shapes shapes_of(const ParameterSet& set) {
  Shapes shapes;
  for (const Parameter& parameter : set.all()) {
    shapes[parameter.name()] = parameter.shape();
  }
  return shapes;
}

void expect_near(const Tensor& got, const Tensor& expected) {
  ASSERT_EQ(got.sizes(), expected.sizes());
  EXPECT_LT((got - expected).abs().max().item<double>(), 1e-4);
}

TEST(Blocks, ResnetWithTimeAndShortcut) {
  ParameterSet set;
  const ResnetBlock2D block(set.root()["resnets"][0],
                            {.in = 8, .out = 4, .groups = 2, .eps = 1e-5, .time_width = 6});
  const Shapes expected = {{"resnets.0.norm1.weight", {8}},
                           {"resnets.0.norm1.bias", {8}},
                           {"resnets.0.conv1.weight", {4, 8, 3, 3}},
                           {"resnets.0.conv1.bias", {4}},
                           {"resnets.0.time_emb_proj.weight", {4, 6}},
                           {"resnets.0.time_emb_proj.bias", {4}},
                           {"resnets.0.norm2.weight", {4}},
                           {"resnets.0.norm2.bias", {4}},
                           {"resnets.0.conv2.weight", {4, 4, 3, 3}},
                           {"resnets.0.conv2.bias", {4}},
                           {"resnets.0.conv_shortcut.weight", {4, 8, 1, 1}},
                           {"resnets.0.conv_shortcut.bias", {4}}};
  EXPECT_EQ(shapes_of(set), expected);

  const auto values = fill(set);
  const auto p = [&](const std::string& name) { return values.at("resnets.0." + name); };
  const Tensor x = torch::randn({2, 8, 5, 7});
  const Tensor time = torch::randn({2, 6});
  Tensor h = torch::silu(torch::group_norm(x, 2, p("norm1.weight"), p("norm1.bias"), 1e-5));
  h = torch::conv2d(h, p("conv1.weight"), p("conv1.bias"), 1, 1);
  const Tensor t =
      torch::linear(torch::silu(time), p("time_emb_proj.weight"), p("time_emb_proj.bias"));
  h = h + t.view({2, 4, 1, 1});
  h = torch::silu(torch::group_norm(h, 2, p("norm2.weight"), p("norm2.bias"), 1e-5));
  h = torch::conv2d(h, p("conv2.weight"), p("conv2.bias"), 1, 1);
  expect_near(block(x, time),
              h + torch::conv2d(x, p("conv_shortcut.weight"), p("conv_shortcut.bias")));
}

TEST(Blocks, ResnetUnderOtherNamesIsTheSame) {
  ParameterSet ours, theirs;
  const ResnetOptions options = {.in = 8, .out = 4, .groups = 2, .time_width = 6};
  const ResnetBlock2D diffusers(ours.root(), options);
  ResnetOptions renamed = options;
  renamed.names = kLdmResnet;
  const ResnetBlock2D ldm(theirs.root()["input_blocks.1.0"], renamed);
  fill(ours);
  const std::map<std::string, std::string> names = {
      {"norm1", "in_layers.0"},  {"conv1", "in_layers.2"},  {"time_emb_proj", "emb_layers.1"},
      {"norm2", "out_layers.0"}, {"conv2", "out_layers.3"}, {"conv_shortcut", "skip_connection"}};
  ASSERT_EQ(theirs.all().size(), ours.all().size());
  for (const Parameter& from : ours.all()) {
    const std::size_t dot = from.name().find('.');
    const std::string name =
        "input_blocks.1.0." + names.at(from.name().substr(0, dot)) + from.name().substr(dot);
    const auto to = std::ranges::find(theirs.all(), name, &Parameter::name);
    ASSERT_NE(to, theirs.all().end()) << name;
    to->set(from.value());
  }
  const Tensor x = torch::randn({2, 8, 5, 7});
  const Tensor time = torch::randn({2, 6});
  EXPECT_TRUE(ldm(x, time).equal(diffusers(x, time)));
}

TEST(Blocks, ResnetOfOneWidthAddsItsInput) {
  ParameterSet set;
  const ResnetBlock2D block(set.root(), {.in = 4, .out = 4, .groups = 2});
  EXPECT_FALSE(shapes_of(set).contains("conv_shortcut.weight"));
  EXPECT_FALSE(shapes_of(set).contains("time_emb_proj.weight"));
  fill(set);
  for (Parameter& parameter : set.all()) {
    if (parameter.name().starts_with("conv2")) {
      parameter.set(torch::zeros(parameter.shape()));
    }
  }
  const Tensor x = torch::randn({1, 4, 3, 3});
  EXPECT_TRUE(block(x).equal(x));
}

TEST(Blocks, UpsampleRepeatsPixelsBeforeItsConvolution) {
  ParameterSet set;
  const Upsample2D up(set.root()["upsamplers.0"], 3);
  const auto values = fill(set);
  const Tensor x = torch::randn({1, 3, 4, 5});
  const Tensor twice = x.repeat_interleave(2, 2).repeat_interleave(2, 3);
  expect_near(up(x), torch::conv2d(twice, values.at("upsamplers.0.conv.weight"),
                                   values.at("upsamplers.0.conv.bias"), 1, 1));
}

TEST(Blocks, UpsampleReachesOddSizes) {
  ParameterSet set;
  const Upsample2D up(set.root(), 3, "op");
  const auto values = fill(set);
  const Tensor x = torch::randn({1, 3, 4, 5});
  const Tensor enough = x.repeat_interleave(2, 2).repeat_interleave(2, 3).slice(2, 0, 7);
  expect_near(up(x, 7, 10),
              torch::conv2d(enough, values.at("op.weight"), values.at("op.bias"), 1, 1));
}

TEST(Blocks, DownsamplePadsAllAroundOrRightAndBelow) {
  ParameterSet set;
  const Downsample2D all_around(set.root()["a"], 3, DownsamplePadding::symmetric);
  const Downsample2D one_side(set.root()["b"], 3, DownsamplePadding::right_and_below);
  const auto values = fill(set);
  const Tensor x = torch::randn({1, 3, 6, 8});
  expect_near(all_around(x),
              torch::conv2d(x, values.at("a.conv.weight"), values.at("a.conv.bias"), 2, 1));
  Tensor padded = torch::zeros({1, 3, 7, 9});
  padded.slice(2, 0, 6).slice(3, 0, 8).copy_(x);
  expect_near(one_side(x),
              torch::conv2d(padded, values.at("b.conv.weight"), values.at("b.conv.bias"), 2));
  EXPECT_EQ(one_side(x).sizes(), at::IntArrayRef({1, 3, 3, 4}));
}

TEST(Blocks, FeedForwardsDifferInTheirActivation) {
  const Tensor x = torch::randn({2, 3, 4});
  for (const Activation activation : {Activation::gelu_tanh, Activation::gelu, Activation::geglu}) {
    ParameterSet set;
    const FeedForward ff(set.root()["ff"], 4, 6, activation);
    const auto values = fill(set);
    const bool is_gated = activation == Activation::geglu;
    EXPECT_EQ(shapes_of(set).at("ff.net.0.proj.weight"), (Shape{is_gated ? 12 : 6, 4}));
    EXPECT_EQ(shapes_of(set).at("ff.net.2.weight"), (Shape{4, 6}));
    const Tensor h =
        torch::linear(x, values.at("ff.net.0.proj.weight"), values.at("ff.net.0.proj.bias"));
    const Tensor inner =
        is_gated ? h.slice(-1, 0, 6) * torch::gelu(h.slice(-1, 6, 12))
                 : at::gelu(h, c10::string_view(activation == Activation::gelu ? "none" : "tanh"));
    expect_near(ff(x),
                torch::linear(inner, values.at("ff.net.2.weight"), values.at("ff.net.2.bias")));
  }
}

TEST(Blocks, EmbeddingIsTwoLayersWithSiluBetween) {
  for (const EmbeddingNames names : {kDiffusersEmbedding, kLdmEmbedding}) {
    ParameterSet set;
    const EmbeddingMlp embedding(set.root(), 4, 6, names);
    const auto values = fill(set);
    const std::string first(names.first), second(names.second);
    const Tensor x = torch::randn({2, 4});
    const Tensor h = torch::linear(x, values.at(first + ".weight"), values.at(first + ".bias"));
    expect_near(embedding(x), torch::linear(torch::silu(h), values.at(second + ".weight"),
                                            values.at(second + ".bias")));
  }
}

TEST(Blocks, GatedFeedForwardHasNoBiases) {
  ParameterSet set;
  const GatedFeedForward ff(set.root()["DenseReluDense"], 4, 6);
  const auto values = fill(set);
  const Shapes expected = {{"DenseReluDense.wi_0.weight", {6, 4}},
                           {"DenseReluDense.wi_1.weight", {6, 4}},
                           {"DenseReluDense.wo.weight", {4, 6}}};
  EXPECT_EQ(shapes_of(set), expected);
  const Tensor x = torch::randn({2, 4});
  const Tensor gate =
      at::gelu(torch::linear(x, values.at("DenseReluDense.wi_0.weight")), c10::string_view("tanh"));
  expect_near(ff(x), torch::linear(gate * torch::linear(x, values.at("DenseReluDense.wi_1.weight")),
                                   values.at("DenseReluDense.wo.weight")));
}

}  // namespace
}  // namespace lode::nn
