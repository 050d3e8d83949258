// Networks run within budgets: the same results, no byte too many, and stops that are heard.
#include "nn/residency.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <limits>
#include <thread>

#include "nn/test_checkpoint.h"

namespace lode::nn {
namespace {

using at::Tensor;

// Of Tower(4): in 576, layers 1088 each, out 544 bytes.
constexpr std::uint64_t kLayer = 1088, kTotal = 576 + 4 * kLayer + 544;

std::unique_ptr<Residency> residency(Tower& tower, const TensorsByName& tensors,
                                     const Placement& placement) {
  return *Residency::create(*WeightBank::bind(tower.set, checkpoint_of(tensors)), tower.blocks,
                            placement);
}

TEST(Residency, AnyBudgetGivesTheSameBitsAndIsKept) {
  torch::manual_seed(8);
  const Tensor x = torch::randn({3, 8});
  for (const auto& [type, format] :
       {std::pair{at::kFloat, WeightFormat::native}, std::pair{at::kBFloat16, WeightFormat::native},
        std::pair{at::kBFloat16, WeightFormat::int8}}) {
    Tower tower(4);
    const TensorsByName tensors = tower.values(type);
    Tensor expected;
    for (std::uint64_t budget = kTotal; budget >= kLayer; budget -= 61) {
      const auto pass =
          residency(tower, tensors, {.format = format, .memory_budget_bytes = budget});
      for (int step = 0; step < 3; ++step) {
        const Tensor y = tower(x, *pass);
        expected = expected.defined() ? expected : y;
        EXPECT_TRUE(y.equal(expected)) << budget;
      }
      EXPECT_LE(pass->counts().peak_bytes, budget);
      EXPECT_LE(pass->counts().peak_bytes, pass->plan().peak_bytes);
    }
  }
}

TEST(Residency, WhatStaysIsLoadedOnceAndTheRestEachTime) {
  Tower tower(4);
  const TensorsByName tensors = tower.values(at::kBFloat16);
  const Tensor x = torch::ones({1, 8});
  const auto all = residency(tower, tensors, {});
  for (int step = 0; step < 3; ++step) {
    tower(x, *all);
  }
  EXPECT_EQ(all->counts().loads, 6U);
  EXPECT_EQ(all->counts().streamed_bytes, 0U);
  EXPECT_EQ(all->counts().loaded_bytes, kTotal);

  // One layer's room beside "in", which stays.
  Tower other(4);
  const auto tight = residency(other, tensors, {.memory_budget_bytes = kLayer + 576});
  for (int step = 0; step < 3; ++step) {
    other(x, *tight);
  }
  EXPECT_EQ(tight->counts().streamed_bytes, 3 * (kTotal - 576));
  EXPECT_EQ(tight->counts().loads, 1U + 3 * 5);
}

TEST(Residency, LoadsAheadWhatFollowedLastTime) {
  Tower tower(4);
  const auto pass =
      residency(tower, tower.values(at::kBFloat16), {.memory_budget_bytes = 2 * kLayer});
  // Backwards, as the list is not: the first round guesses wrong.
  const auto run = [&] {
    for (auto block = tower.blocks.rbegin(); block != tower.blocks.rend(); ++block) {
      const InBlock inside(*pass, *block);
    }
  };
  run();
  run();
  const std::uint64_t before = pass->counts().loads;
  run();
  EXPECT_EQ(pass->counts().loads - before, tower.blocks.size());
}

TEST(Residency, DropsItsParametersAtTheEnd) {
  Tower tower(2);
  {
    const auto pass = residency(tower, tower.values(), {});
    tower(torch::ones({1, 8}), *pass);
    EXPECT_TRUE(tower.set.all()[0].is_loaded());
  }
  for (const Parameter& parameter : tower.set.all()) {
    EXPECT_FALSE(parameter.is_loaded());
  }
}

TEST(Residency, AStopEndsThePassAndTheNextOneRuns) {
  Tower tower(4);
  const auto pass = residency(tower, tower.values(), {.memory_budget_bytes = 2 * kLayer});
  const Tensor x = torch::ones({1, 8});
  const Tensor expected = tower(x, *pass);
  std::stop_source stop;
  pass->set_stop(stop.get_token());
  {
    const InBlock inside(*pass, tower.blocks[0]);
    stop.request_stop();
  }
  EXPECT_THROW(InBlock(*pass, tower.blocks[1]), Cancelled);
  pass->set_stop({});
  EXPECT_TRUE(tower(x, *pass).equal(expected));
  EXPECT_LE(pass->counts().peak_bytes, 2 * kLayer);
}

TEST(Residency, DamagedWeightsEndThePassThatNeedsThem) {
  Tower tower(4);
  TensorsByName tensors = tower.values();
  tensors["layers.2.bias"][3] = std::numeric_limits<float>::infinity();
  const auto pass = residency(tower, tensors, {.memory_budget_bytes = 3 * kLayer});
  for (int attempt = 0; attempt < 2; ++attempt) {
    EXPECT_THROW(tower(torch::ones({1, 8}), *pass), LoadFailed);
  }
  EXPECT_LE(pass->counts().peak_bytes, 3 * kLayer);
}

TEST(Residency, ABudgetBelowTheLargestBlockIsRefused) {
  Tower tower(4);
  const auto pass = Residency::create(*WeightBank::bind(tower.set, checkpoint_of(tower.values())),
                                      tower.blocks, {.memory_budget_bytes = kLayer - 1});
  ASSERT_FALSE(pass);
  EXPECT_EQ(pass.error().code, Errc::out_of_resource);
}

}  // namespace
}  // namespace lode::nn
