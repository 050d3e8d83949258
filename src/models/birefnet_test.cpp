// Swin and BiRefNet against what the public code computes with random weights, in both orders of
// patches; names and shapes of the full-size ones; what checkpoints tell of themselves.
#include "models/birefnet.h"

#include <ATen/TensorOperators.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "models/swin.h"
#include "nn/residency.h"
#include "nn/test_checkpoint.h"
#include "tests/support/golden_tensors.h"

namespace lode::models {
namespace {

using test::birefnet_golden;
using test::GoldenTensors;
using test::relative_error;
using testing::HasSubstr;

// What float32 with other kernels and in another order may differ by; measured are 4e-6 and less.
constexpr double kExact = 2e-5;

nn::EverythingLoaded loaded;

/// Gives every parameter its tensor of `checkpoint`, in `type`.
void load_all(nn::ParameterSet& set, const weights::Checkpoint& checkpoint, at::ScalarType type) {
  for (nn::Parameter& parameter : set.all()) {
    const auto stored = checkpoint.find(parameter.name());
    ASSERT_TRUE(stored) << parameter.name();
    parameter.set(test::to_tensor(*stored).to(type));
  }
}

/// Golden pictures are stored as bytes.
at::Tensor picture_of(const at::Tensor& bytes) { return (bytes.to(at::kFloat) - 128) / 64; }

void report(const std::string& what, double error, double bound) {
  EXPECT_LE(error, bound) << what;
  std::printf("%-28s %.2e\n", what.c_str(), error);
}

struct SwinCase {
  std::string variant;
  SwinConfig config;
};

std::vector<SwinCase> swin_cases() {
  return {{"t", {3, {2, 2, 2, 2}, {1, 1, 2, 3}, 7}},
          {"s", {3, {2, 2, 6, 2}, {1, 2, 4, 8}, 7}},
          {"b", {3, {2, 2, 2, 2}, {1, 1, 2, 4}, 12}},
          {"l", {3, {2, 2, 2, 2}, {1, 2, 3, 6}, 12}}};
}

void check_swin(at::ScalarType type, double bound) {
  const GoldenTensors golden(birefnet_golden() / "swin.safetensors");
  for (const auto& [variant, config] : swin_cases()) {
    nn::ParameterSet set;
    const Swin swin(config, set.root()["bb"]);
    load_all(
        set,
        weights::Checkpoint::open(birefnet_golden() / ("swin_" + variant + ".safetensors")).value(),
        type);
    const std::string fit = "fit" + std::to_string(config.window);
    // Both at once, as the two scales of BiRefNet go through.
    const auto features = swin(
        {picture_of(golden["input.odd"]).to(type), picture_of(golden["input." + fit]).to(type)},
        loaded);
    double worst = 0;
    for (std::size_t s = 0; s < 4; ++s) {
      const std::string x = ".x" + std::to_string(s + 1);
      worst = std::max(worst, relative_error(features[0][s], golden[variant + ".odd" + x]));
      worst = std::max(worst, relative_error(features[1][s], golden[variant + "." + fit + x]));
    }
    report(std::string("Swin ") + c10::toString(type) + " " + variant, worst, bound);
  }
}

TEST(Swin, EqualsTheReference) { check_swin(at::kFloat, kExact); }
TEST(Swin, InBfloat16) { check_swin(at::kBFloat16, 7e-2); }

TEST(Swin, BlocksEqualTheReferenceWithAndWithoutAShift) {
  const GoldenTensors golden(birefnet_golden() / "swin_parts.safetensors");
  nn::ParameterSet set;
  const SwinBlock first(set.root()["blocks"][0], 4, 2, 7);
  const SwinBlock second(set.root()["blocks"][1], 4, 2, 7);
  for (nn::Parameter& parameter : set.all()) {
    parameter.set(golden[parameter.name()]);
  }
  at::Tensor x = golden["x"];  // 10 x 9 tokens
  first(x, SwinWindows(10, 9, 7, 0, at::kCPU));
  EXPECT_LE(relative_error(x, golden["block0"]), kExact);
  second(x, SwinWindows(10, 9, 7, 3, at::kCPU));
  EXPECT_LE(relative_error(x, golden["stage"]), kExact);
}

/// Which region of the padded, shifted picture a token of a window is from, as the reference cuts
/// it.
std::int64_t region(std::int64_t at, std::int64_t padded, std::int64_t window, std::int64_t shift) {
  return at < padded - window ? 0 : at < padded - shift ? 1 : 2;
}

TEST(Swin, WindowsHoldEveryTokenOnceAndMaskWhatTheReferenceMasks) {
  for (const auto& [height, width] : {std::pair(10, 9), {7, 7}, {21, 14}, {1, 1}, {3, 40}}) {
    for (const std::int64_t shift : {0, 3}) {
      const SwinWindows windows(height, width, 7, shift, at::kCPU);
      const std::int64_t columns = (width + 6) / 7, rows = (height + 6) / 7;
      ASSERT_EQ(windows.windows(), rows * columns);
      std::int64_t seen = 0, next = 0;
      const auto* places = windows.places().data_ptr<std::int64_t>();
      for (const auto& group : windows.groups()) {
        ASSERT_EQ(group.first, next);
        next += group.count;
        seen += group.count * 49 - group.padding.numel();
        for (std::int64_t token = 0; token < height * width; ++token) {
          const std::int64_t at = places[token] - group.first * 49;
          if (at >= 0 && at < group.count * 49) {
            ASSERT_EQ(group.tokens[at].item<std::int64_t>(), token);
          }
        }
      }
      EXPECT_EQ(next, windows.windows());
      EXPECT_EQ(seen, height * width);
      // Two tokens of a window see each other where they are of one region.
      const auto masked = [&](std::int64_t a, std::int64_t b) {
        for (const auto& group : windows.groups()) {
          const std::int64_t p = places[a] - group.first * 49, q = places[b] - group.first * 49;
          if (p >= 0 && p < group.count * 49 && p / 49 == q / 49) {
            return group.mask.defined() && group.mask[p % 49][q % 49].item<float>() != 0;
          }
        }
        return false;
      };
      for (std::int64_t a = 0; a < height * width; ++a) {
        const std::int64_t b = (a * 5 + 1) % (height * width);
        if (places[a] / 49 != places[b] / 49) {
          continue;
        }
        const auto of = [&](std::int64_t at, std::int64_t count) {
          const std::int64_t padded = count * 7;
          return shift == 0 ? 0 : region((at - shift + padded) % padded, padded, 7, shift);
        };
        EXPECT_EQ(masked(a, b), of(a / width, rows) != of(b / width, rows) ||
                                    of(a % width, columns) != of(b % width, columns))
            << height << "x" << width << " " << a << " " << b;
      }
    }
  }
}

TEST(BirefnetPatches, EqualTheReferenceInBothOrders) {
  const GoldenTensors golden(birefnet_golden() / "patches.safetensors");
  for (const auto& [rows, columns] : {std::pair(2, 3), {4, 3}, {8, 12}}) {
    const std::string name = "tile" + std::to_string(rows) + "x" + std::to_string(columns);
    const at::Tensor image = golden["image"];
    EXPECT_TRUE(birefnet_patches(image, rows, columns, PatchOrder::channel_major)
                    .equal(golden[name + ".c_hg_wg"]));
    EXPECT_TRUE(birefnet_patches(image, rows, columns, PatchOrder::tile_major)
                    .equal(golden[name + ".wg_hg_c"]));
  }
}

weights::Checkpoint snapshot() {
  return weights::Checkpoint::open(birefnet_golden() / "snapshot").value();
}

struct Loaded {
  /// With random weights where `patch_inner` asks for another width than the snapshot's.
  Loaded(PatchOrder order, at::ScalarType type, std::int64_t patch_inner = 0)
      : network(
            [&] {
              BirefnetConfig config = birefnet_config_of(snapshot()).value();
              config.patch_order = order;
              config.patch_inner = patch_inner > 0 ? patch_inner : config.patch_inner;
              return config;
            }(),
            set.root()) {
    if (patch_inner == 0) {
      load_all(set, snapshot(), type);
    }
  }

  nn::ParameterSet set;
  Birefnet network;
};

bool matches(const nn::Parameter& parameter, std::string_view pattern) {
  return nn::matches_pattern(parameter.name(), pattern);
}

struct Order {
  PatchOrder order;
  const char* name;
};
constexpr Order kOrders[] = {{PatchOrder::channel_major, "c_hg_wg"},
                             {PatchOrder::tile_major, "wg_hg_c"}};

at::Tensor logits_of(const Loaded& made, const at::Tensor& x, at::ScalarType type) {
  return made.network(x.to(type), loaded).to(at::kFloat);
}

TEST(Birefnet, EqualsTheReferenceInBothOrders) {
  const GoldenTensors golden(birefnet_golden() / "network.safetensors");
  for (const auto& [order, name] : kOrders) {
    const Loaded made(order, at::kFloat);
    for (const std::string size : {"square", "tall"}) {
      const at::Tensor logits = logits_of(made, picture_of(golden[size + ".input"]), at::kFloat);
      report("BiRefNet f32 " + size + " " + name,
             relative_error(logits, golden[size + "." + name + ".logits"]), kExact);
    }
  }
}

// Four channels at the narrowest leave bfloat16 little to average over: rounding the weights alone
// makes errors of 3 to 7 % in these logits. The bound is on the mean difference of mattes, 0 to 1.
TEST(Birefnet, InBfloat16TheMatteStaysNear) {
  const GoldenTensors golden(birefnet_golden() / "network.safetensors");
  for (const auto& [order, name] : kOrders) {
    const Loaded made(order, at::kBFloat16);
    for (const std::string size : {"square", "tall"}) {
      const at::Tensor logits = logits_of(made, picture_of(golden[size + ".input"]), at::kBFloat16);
      const at::Tensor expected = golden[size + "." + name + ".logits"].sigmoid();
      report("BiRefNet bf16 matte " + size + " " + name,
             (logits.sigmoid() - expected).abs().mean().item<double>(), 0.06);
    }
  }
}

TEST(Birefnet, EncoderEqualsTheReference) {
  const GoldenTensors golden(birefnet_golden() / "network.safetensors");
  const Loaded made(PatchOrder::tile_major, at::kFloat);
  for (const std::string size : {"square", "tall"}) {
    const auto features = made.network.encode(picture_of(golden[size + ".input"]), loaded);
    for (std::size_t i = 0; i < 3; ++i) {
      const std::string name = size + ".x" + std::to_string(i + 1);
      report(name, relative_error(features[i], golden[name]), kExact);
    }
    report(size + ".squeeze", relative_error(features[3], golden[size + ".squeeze"]), kExact);
  }
}

TEST(Birefnet, TheWrongOrderOfPatchesIsAnotherMatte) {
  const GoldenTensors golden(birefnet_golden() / "network.safetensors");
  EXPECT_GT(relative_error(golden["square.c_hg_wg.logits"], golden["square.wg_hg_c.logits"]), 0.1);
}

TEST(Birefnet, TakesABatch) {
  const GoldenTensors golden(birefnet_golden() / "network.safetensors");
  const Loaded made(PatchOrder::channel_major, at::kFloat);
  const at::Tensor x = picture_of(golden["tall.input"]);
  const at::Tensor both = made.network(at::cat({x, x.flip({2})}), loaded);
  EXPECT_LE(relative_error(both[0], made.network(x, loaded)[0]), kExact);
  EXPECT_LE(relative_error(both[1], made.network(x.flip({2}), loaded)[0]), kExact);
}

TEST(Birefnet, StripsOfTheFullPictureJoinWithoutASeam) {
  // 1024 by 512 channels: 16 rows to a strip, where with 4 channels all rows are one.
  // Channels that repeat, each with its share of the weight, are the same network.
  const at::Tensor x = torch::ones({1, 3, 32, 1024}).cumsum(2).cumsum(3).sin_();
  std::vector<at::Tensor> logits;
  for (const std::int64_t copies : {1, 128}) {
    Loaded made(PatchOrder::tile_major, at::kFloat, 4 * copies);
    torch::manual_seed(3);
    for (nn::Parameter& parameter : made.set.all()) {
      const bool is_first = matches(parameter, "decoder.ipt_blk*.conv1.*");
      const bool is_second = matches(parameter, "decoder.ipt_blk*.conv_out.weight");
      nn::Shape shape = parameter.shape();
      if (is_first || is_second) {
        shape[is_first ? 0 : 1] = 4;
      }
      const at::Tensor value = torch::rand(shape) * 0.1 + 0.01;
      nn::Shape repeats(shape.size(), 1);
      repeats[is_second ? 1 : 0] = is_first || is_second ? copies : 1;
      parameter.set(value.repeat(repeats) / (is_second ? copies : 1));
    }
    logits.push_back(made.network(x, loaded));
  }
  EXPECT_LE(relative_error(logits[1], logits[0]), kExact);
}

TEST(Birefnet, BlocksHoldEveryParameterOnceAndWithinABudgetChangeNothing) {
  const GoldenTensors golden(birefnet_golden() / "network.safetensors");
  BirefnetConfig config = birefnet_config_of(snapshot()).value();
  config.patch_order = PatchOrder::channel_major;
  nn::ParameterSet set;
  const Birefnet network(config, set.root());
  std::set<const nn::Parameter*> seen;
  std::size_t count = 0;
  for (const nn::Block& block : network.blocks()) {
    seen.insert(block.parameters.begin(), block.parameters.end());
    count += block.parameters.size();
  }
  EXPECT_EQ(seen.size(), set.all().size());
  EXPECT_EQ(count, set.all().size());

  nn::Placement placement;
  placement.memory_budget_bytes = nn::plan_memory(network.blocks(), placement)->least_bytes;
  auto bank = nn::WeightBank::bind(set, snapshot(), Birefnet::load_rules());
  ASSERT_TRUE(bank) << bank.error().context;
  const auto residency =
      nn::Residency::create(*std::move(bank), network.blocks(), placement).value();
  const at::Tensor x = picture_of(golden["tall.input"]);
  EXPECT_LE(relative_error(network(x, *residency), golden["tall.c_hg_wg.logits"]), kExact);
  EXPECT_LE(residency->counts().peak_bytes, *placement.memory_budget_bytes);
  // Both scales of the picture use a block while it is there; the first is loaded again for the
  // next picture.
  EXPECT_LE(residency->counts().loads, network.blocks().size() + 1);
}

TEST(Birefnet, StrictLoadingNamesWhatIsMissingAndWhatIsTooMuch) {
  nn::ParameterSet set;
  const Birefnet network(birefnet_config_of(snapshot()).value(), set.root());
  set.root()["decoder"].add("new.weight", {1});
  const auto bank = nn::WeightBank::bind(set, snapshot(), Birefnet::load_rules());
  ASSERT_FALSE(bank);
  EXPECT_THAT(bank.error().context, HasSubstr("1 missing: decoder.new.weight"));
  nn::ParameterSet again;
  const Birefnet same(birefnet_config_of(snapshot()).value(), again.root());
  const auto unruly = nn::WeightBank::bind(again, snapshot(), {});
  ASSERT_FALSE(unruly);
  EXPECT_THAT(unruly.error().context, HasSubstr("unexpected"));
  EXPECT_THAT(unruly.error().context, HasSubstr("relative_position_index"));
}

using Names = std::map<std::string, std::string>;

/// Name and "64,3,3,3" of every tensor of a list in tests/golden/names.
Names listed(const std::string& file) {
  std::ifstream in(std::filesystem::path(LODE_SOURCE_DIR) / "tests" / "golden" / "names" / file);
  EXPECT_TRUE(in) << file;
  Names names;
  for (std::string line; std::getline(in, line);) {
    const auto tab = line.find('\t');
    names[line.substr(0, tab)] = line.substr(tab + 1);
  }
  return names;
}

Names needed(Names names) {
  const nn::LoadRules rules = Birefnet::load_rules();
  std::erase_if(names, [&](const auto& entry) {
    return std::ranges::any_of(rules.ignore, [&](const std::string& pattern) {
      return nn::matches_pattern(entry.first, pattern);
    });
  });
  return names;
}

Names names_of(const nn::ParameterSet& set) {
  Names names;
  for (const nn::Parameter& parameter : set.all()) {
    std::ostringstream shape;
    for (std::size_t i = 0; i < parameter.shape().size(); ++i) {
      shape << (i > 0 ? "," : "") << parameter.shape()[i];
    }
    names[parameter.name()] = shape.str();
  }
  return names;
}

SwinConfig full_size(char variant) {
  switch (variant) {
    case 't':
      return {96, {2, 2, 6, 2}, {3, 6, 12, 24}, 7};
    case 's':
      return {96, {2, 2, 18, 2}, {3, 6, 12, 24}, 7};
    case 'b':
      return {128, {2, 2, 18, 2}, {4, 8, 16, 32}, 12};
    default:
      return {192, {2, 2, 18, 2}, {6, 12, 24, 48}, 12};
  }
}

TEST(FullSize, SwinBackbones) {
  for (const char variant : {'t', 's', 'b', 'l'}) {
    nn::ParameterSet set;
    const Swin swin(full_size(variant), set.root()["bb"]);
    EXPECT_EQ(names_of(set),
              needed(listed(std::string("birefnet_swin_v1_") + variant + "_backbone.txt")));
  }
}

TEST(FullSize, BirefnetOfSwinLAndT) {
  for (const char variant : {'l', 't'}) {
    nn::ParameterSet set;
    const Birefnet network({.backbone = full_size(variant)}, set.root());
    const std::string file = std::string("birefnet_swin_v1_") + variant;
    Names expected = listed(file + "_backbone.txt");
    expected.merge(listed(file + "_decoder.txt"));
    EXPECT_EQ(names_of(set), needed(expected));
  }
}

TEST(BirefnetConfigs, ShapesTellTheWidths) {
  const BirefnetConfig config = birefnet_config_of(snapshot()).value();
  EXPECT_EQ(config.backbone.width, 4);
  EXPECT_EQ(config.backbone.depths, (std::vector<std::int64_t>{2, 2, 2, 2}));
  EXPECT_EQ(config.backbone.heads, (std::vector<std::int64_t>{1, 2, 4, 8}));
  EXPECT_EQ(config.backbone.window, 4);
  EXPECT_EQ(config.inner, 3);
  EXPECT_EQ(config.branch, 6);
  EXPECT_EQ(config.patch_inner, 1);
}

TEST(BirefnetConfigs, OtherNetworksAreRefusedByTheTensorThatTells) {
  const weights::Checkpoint checkpoint = snapshot();
  nn::TensorsByName tensors;
  for (const weights::StoredTensor& stored : checkpoint.tensors()) {
    tensors[std::string(stored.name)] = test::to_tensor(stored);
  }
  const std::string table = "bb.layers.0.blocks.0.attn.relative_position_bias_table";
  const std::pair<std::string, at::Tensor> changes[] = {
      {"bb.patch_embed.proj.weight", {}},
      {"bb.patch_embed.proj.weight", torch::zeros({4})},
      {table, {}},
      {table, torch::zeros({50, 1})},
      {table, torch::zeros({49, 3})},
      {"squeeze_module.0.dec_att.aspp1.atrous_conv.regular_conv.weight", {}},
      {"decoder.ipt_blk5.conv1.weight", {}}};
  for (const auto& [name, value] : changes) {
    nn::TensorsByName changed = tensors;
    changed.erase(name);
    if (value.defined()) {
      changed[name] = value;
    }
    const auto config = birefnet_config_of(nn::checkpoint_of(changed));
    ASSERT_FALSE(config) << name;
    EXPECT_EQ(config.error().code, Errc::unsupported);
    EXPECT_THAT(config.error().context, HasSubstr(name));
  }
}

/// Filters of which `share` is brightness and the rest is noise.
nn::TensorsByName filters_of(PatchOrder order, double share) {
  torch::manual_seed(8);
  nn::TensorsByName tensors;
  for (std::int64_t n = 2; n <= 5; ++n) {
    const std::int64_t tiles = std::int64_t{16} << (2 * (n - 2));
    const at::Tensor grey = torch::randn({4, 1, tiles, 3, 3});
    at::Tensor weight = torch::randn({4, 3, tiles, 3, 3}) * (1 - share) + grey * share;
    weight = order == PatchOrder::tile_major ? weight.transpose(1, 2) : weight;
    tensors["decoder.ipt_blk" + std::to_string(n) + ".conv1.weight"] =
        weight.reshape({4, 3 * tiles, 3, 3}).to(at::kHalf);
  }
  return tensors;
}

TEST(BirefnetConfigs, AlikeWeightsOfColoursTellThePatchOrder) {
  for (const auto& [order, name] : kOrders) {
    EXPECT_EQ(patch_order_in_weights(nn::checkpoint_of(filters_of(order, 0.9))), order);
    EXPECT_EQ(patch_order_in_weights(nn::checkpoint_of(filters_of(order, 0.3))), order);
    EXPECT_EQ(patch_order_in_weights(nn::checkpoint_of(filters_of(order, 0))), std::nullopt);
  }
  EXPECT_EQ(patch_order_in_weights(snapshot()), std::nullopt) << "random";
}

TEST(BirefnetConfigs, TheReferencesCodeTellsThePatchOrder) {
  EXPECT_EQ(patch_order_in_source(
                "patches_batch = image2patches(x, patch_ref=x4, transformation='b c (hg h) (wg w) "
                "-> b (c hg wg) h w') if self.split else x"),
            PatchOrder::channel_major);
  EXPECT_EQ(patch_order_in_source("patches_batch = self.get_patches_batch(x, x4)"),
            PatchOrder::tile_major);
  EXPECT_EQ(patch_order_in_source("def get_patches_batch(self): pass\n"
                                  "image2patches(x, transformation='b c (hg h) (wg w) -> b (c hg "
                                  "wg) h w')"),
            PatchOrder::channel_major);
  EXPECT_EQ(patch_order_in_source("class BiRefNet(nn.Module): pass"), std::nullopt);
}

}  // namespace
}  // namespace lode::models
