// Checkpoints bound to networks: strictness, conversions, and what a plan of memory says.
#include "nn/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <limits>

#include "nn/pass.h"
#include "nn/test_checkpoint.h"

namespace lode::nn {
namespace {

using at::Tensor;
using testing::HasSubstr;
using testing::Not;

void load_all(const WeightBank& bank, const Tower& tower, const Placement& placement = {}) {
  for (const Block& block : tower.blocks) {
    bank.load(block, placement).install();
  }
}

TEST(Loader, PatternsMatchAnyRunOfCharacters) {
  EXPECT_TRUE(matches_pattern("encoder.embed.weight", "encoder.embed.weight"));
  EXPECT_TRUE(matches_pattern("encoder.embed.weight", "encoder.*"));
  EXPECT_TRUE(matches_pattern("a.0.attn.mask", "a.*.mask"));
  EXPECT_TRUE(matches_pattern("a.mask.mask", "a.*mask"));
  EXPECT_TRUE(matches_pattern("a", "**a*"));
  EXPECT_FALSE(matches_pattern("a.mask", "a.mask.*mask"));
  EXPECT_FALSE(matches_pattern("xencoder.a", "encoder.*"));
  EXPECT_FALSE(matches_pattern("ab", "a"));
  EXPECT_FALSE(matches_pattern("aa", "a*a*a"));
}

TEST(Loader, AllDisagreementsAreListedAtOnce) {
  Tower tower(2);
  TensorsByName tensors = tower.values();
  tensors.erase("layers.1.weight");
  tensors["layers.7.weight"] = torch::zeros({1});
  tensors["in.weight"] = torch::zeros({8, 16});
  tensors["out.bias"] = torch::zeros({8}, at::kLong);
  const auto bank = WeightBank::bind(tower.set, checkpoint_of(tensors));
  ASSERT_FALSE(bank);
  EXPECT_EQ(bank.error().code, Errc::invalid_input);
  EXPECT_THAT(bank.error().context, HasSubstr("/network.safetensors: "));
  EXPECT_THAT(bank.error().context, HasSubstr("1 missing: layers.1.weight"));
  EXPECT_THAT(bank.error().context, HasSubstr("1 unexpected: layers.7.weight"));
  EXPECT_THAT(bank.error().context,
              HasSubstr("1 of another shape: in.weight is [8, 16] and not [16, 8]"));
  EXPECT_THAT(bank.error().context, HasSubstr("1 of no floating-point type: out.bias is I64"));
}

TEST(Loader, LongListsAreCutAndCounted) {
  Tower tower(30);
  const auto bank =
      WeightBank::bind(tower.set, checkpoint_of({{"in.weight", torch::zeros({16, 8})}}));
  ASSERT_FALSE(bank);
  EXPECT_THAT(bank.error().context, HasSubstr("63 missing: in.bias, layers.0.weight"));
  EXPECT_THAT(bank.error().context, HasSubstr(", and 43 more"));
  EXPECT_THAT(bank.error().context, Not(HasSubstr("layers.10.weight")));
}

TEST(Loader, IgnoredNamesAndAliasesAreRules) {
  Tower tower(1);
  TensorsByName tensors = tower.values();
  tensors["old.name"] = tensors["in.weight"].unsqueeze(-1).unsqueeze(-1);
  tensors.erase("in.weight");
  tensors["position_ids"] = torch::zeros({4}, at::kLong);
  const weights::Checkpoint checkpoint = checkpoint_of(tensors);
  LoadRules rules;
  rules.ignore = {"position_*"};
  rules.aliases = [](std::string_view name) {
    return name == "in.weight" ? std::vector<std::string>{"older.name", "old.name"}
                               : std::vector<std::string>{};
  };
  EXPECT_THAT(WeightBank::bind(tower.set, checkpoint, rules).error().context,
              HasSubstr("old.name is [16, 8, 1, 1] and not [16, 8]"));
  rules.allow_1x1_convolutions = true;
  const auto bank = WeightBank::bind(tower.set, checkpoint, rules);
  ASSERT_TRUE(bank) << bank.error().message();
  load_all(*bank, tower);
  EXPECT_TRUE(tower.set.all()[0].value().equal(tensors["old.name"].view({16, 8})));
}

TEST(Loader, ValuesOfEachTypeBecomeThoseOfTheComputation) {
  for (const auto stored : {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    for (const auto compute : {at::kFloat, at::kBFloat16, at::kHalf}) {
      Tower tower(1);
      const TensorsByName tensors = tower.values(stored);
      const auto bank = WeightBank::bind(tower.set, checkpoint_of(tensors));
      ASSERT_TRUE(bank) << bank.error().message();
      load_all(*bank, tower, {.compute = compute});
      for (const Parameter& parameter : tower.set.all()) {
        EXPECT_TRUE(
            parameter.value().equal(tensors.at(parameter.name()).to(at::kFloat).to(compute)))
            << parameter.name() << " " << stored << " " << compute;
      }
    }
  }
}

TEST(Loader, TheTypeOfTheFileIsMappedAndOutlivesTheCheckpoint) {
  Tower tower(1);
  const TensorsByName tensors = tower.values(at::kBFloat16);
  {
    const weights::Checkpoint checkpoint = checkpoint_of(tensors);
    const auto bank = WeightBank::bind(tower.set, checkpoint);
    load_all(*bank, tower, {.compute = at::kBFloat16});
    EXPECT_EQ(tower.set.all()[0].value().data_ptr(),
              static_cast<const void*>(checkpoint.find("in.weight")->bytes.data()));
  }
  for (const Parameter& parameter : tower.set.all()) {
    EXPECT_TRUE(parameter.value().equal(tensors.at(parameter.name())));
  }
}

TEST(Loader, MatricesAreQuantisedAndTheRestIsNot) {
  Tower tower(1);
  const TensorsByName tensors = tower.values(at::kBFloat16);
  const auto bank = WeightBank::bind(tower.set, checkpoint_of(tensors));
  load_all(*bank, tower, {.format = WeightFormat::int8});
  for (const Parameter& parameter : tower.set.all()) {
    const Tensor& tensor = tensors.at(parameter.name());
    ASSERT_EQ(parameter.is_quantised(), parameter.shape().size() == 2);
    if (parameter.is_quantised()) {
      const QuantisedMatrix expected = quantise(tensor, WeightFormat::int8);
      EXPECT_TRUE(parameter.quantised().codes.equal(expected.codes));
      EXPECT_TRUE(parameter.quantised().scales.equal(expected.scales));
    } else {
      EXPECT_TRUE(parameter.value().equal(tensor.to(at::kFloat)));
    }
  }
}

TEST(Loader, NanAndInfinityAreNamedInEveryFormat) {
  const double bad_values[] = {std::numeric_limits<double>::quiet_NaN(),
                               -std::numeric_limits<double>::infinity()};
  for (const double bad : bad_values) {
    for (const auto type : {at::kFloat, at::kBFloat16, at::kHalf}) {
      for (const WeightFormat format : {WeightFormat::native, WeightFormat::int8}) {
        Tower tower(1);
        TensorsByName tensors = tower.values(type);
        tensors["layers.0.weight"].view({-1})[255] = bad;  // the last
        const auto bank = WeightBank::bind(tower.set, checkpoint_of(tensors));
        bank->load(tower.blocks[0], {.format = format});
        try {
          bank->load(tower.blocks[1], {.format = format});
          FAIL() << "no exception";
        } catch (const LoadFailed& failed) {
          EXPECT_EQ(failed.error().code, Errc::invalid_input);
          EXPECT_THAT(failed.error().context, HasSubstr("tensor layers.0.weight holds NaN"));
        }
      }
    }
  }
}

TEST(MemoryPlan, CountsBytesAsTheyAreHeld) {
  Tower tower(1);
  // layers.0: a matrix of 256 with 16 rows, and 16 biases.
  const Block& block = tower.blocks[1];
  EXPECT_EQ(bytes_of(block, {}), (256U + 16U) * 4);
  EXPECT_EQ(bytes_of(block, {.compute = at::kBFloat16}), (256U + 16U) * 2);
  EXPECT_EQ(bytes_of(block, {.compute = at::kBFloat16, .format = WeightFormat::int8}),
            256U + 16U * 4 + 16U * 2);
}

TEST(MemoryPlan, KeepsWhatFitsBesideTwoOfTheLargest) {
  Tower tower(4);  // in 576, layers 1088 each, out 544 bytes
  const auto plan = [&](std::uint64_t budget) {
    return plan_memory(tower.blocks, {.memory_budget_bytes = budget});
  };
  const std::uint64_t total = 576 + 4 * 1088 + 544;
  EXPECT_EQ(plan(total)->resident_bytes, total);
  EXPECT_EQ(plan_memory(tower.blocks, {})->peak_bytes, total);

  const MemoryPlan some = *plan(total - 1);
  EXPECT_TRUE(some.is_double_buffered);
  EXPECT_EQ(some.resident_bytes, 576U + 2 * 1088);
  EXPECT_TRUE(some.blocks[0].is_resident && some.blocks[2].is_resident);
  EXPECT_FALSE(some.blocks[3].is_resident || some.blocks[5].is_resident);
  EXPECT_LE(some.peak_bytes, total - 1);

  const MemoryPlan single = *plan(1088 + 600);
  EXPECT_FALSE(single.is_double_buffered);
  EXPECT_EQ(single.resident_bytes, 576U);
  EXPECT_EQ(plan(1088)->peak_bytes, 1088U);

  const auto none = plan(1087);
  EXPECT_EQ(none.error().code, Errc::out_of_resource);
  EXPECT_EQ(none.error().context,
            "block layers.0 needs 1.1 kB; --memory must be at least that, not 1.1 kB");
}

TEST(MemoryPlan, BytesForPeopleAreRoundedUp) {
  EXPECT_EQ(format_bytes(999), "999 bytes");
  EXPECT_EQ(format_bytes(1'000), "1 kB");
  EXPECT_EQ(format_bytes(679'477'249), "680 MB");
  EXPECT_EQ(format_bytes(23'782'357'120), "23.8 GB");
  EXPECT_EQ(format_bytes(99'950'001), "100 MB");
}

}  // namespace
}  // namespace lode::nn
