// BiRefNet from picture to matte with the tiny snapshot of random weights, and what goes wrong.
#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <map>

#include "birefnet/birefnet_matter.h"
#include "birefnet/preprocess_internal.h"
#include "tests/support/golden_tensors.h"
#include "tests/support/scratch_folder.h"
#include "weights/safetensors.h"

namespace lode::birefnet {
namespace {

using test::birefnet_golden;
using test::GoldenTensors;
using testing::HasSubstr;
using testing_support::ScratchFolder;

std::filesystem::path snapshot() { return birefnet_golden() / "snapshot"; }

BirefnetOptions small(Patches patches = Patches::channel_major) {
  BirefnetOptions options;
  options.device = "cpu";
  options.patches = patches;
  options.side = 64;
  return options;
}

std::unique_ptr<BirefnetMatter> open(const BirefnetOptions& options = small()) {
  auto matter = BirefnetMatter::open(snapshot(), options);
  EXPECT_TRUE(matter) << matter.error().context;
  return *std::move(matter);
}

Error error_of(const std::filesystem::path& folder, const BirefnetOptions& options = small()) {
  const auto matter = BirefnetMatter::open(folder, options);
  EXPECT_FALSE(matter);
  return matter ? Error() : matter.error();
}

/// Colours that differ everywhere.
image::Image picture(int width, int height, int channels = 3) {
  image::Image out(width, height, channels);
  for (std::size_t i = 0; i < out.pixels.size(); ++i) {
    out.pixels[i] = static_cast<std::uint8_t>(i * i / 7 + i * 31);
  }
  return out;
}

image::Image image_of(const at::Tensor& rgb) {
  const at::Tensor bytes = rgb.contiguous();
  image::Image out(static_cast<int>(rgb.size(1)), static_cast<int>(rgb.size(0)), 3);
  std::copy_n(bytes.data_ptr<std::uint8_t>(), out.pixels.size(), out.pixels.begin());
  return out;
}

TEST(BirefnetPreprocess, ResizesAndNormalisesAsTorchvisionDoes) {
  const GoldenTensors golden(birefnet_golden() / "pictures" / "resize.safetensors");
  const at::Tensor expected = golden["normalised"];
  const at::Tensor made = to_network(image_of(golden["picture.steep.in"]), {16, 16});
  EXPECT_LE(test::relative_error(made[0], expected), 1e-7);
}

TEST(BirefnetPreprocess, DropsAlphaAsTheReferenceDoes) {
  const image::Image plain = picture(9, 7);
  image::Image clear(9, 7, 4);  // fully transparent
  for (int i = 0; i < 63; ++i) {
    std::copy_n(plain.pixels.begin() + 3 * i, 3, clear.pixels.begin() + 4 * i);
  }
  EXPECT_TRUE(to_network(clear, {32, 32}).equal(to_network(plain, {32, 32})));
}

TEST(BirefnetPreprocess, TruncatesTheSigmoidToBytes) {
  const GoldenTensors golden(birefnet_golden() / "pictures" / "resize.safetensors");
  const at::Tensor logits = golden["sigmoid.logits"];
  const image::GreyImage made = from_network(logits.view({1, 1, logits.size(-2), logits.size(-1)}));
  const at::Tensor expected = golden["sigmoid.uint8"].contiguous();
  EXPECT_TRUE(
      std::equal(made.pixels.begin(), made.pixels.end(), expected.data_ptr<std::uint8_t>()));
}

TEST(BirefnetPreprocess, SizesAreMultiplesOf32WithinTheLimit) {
  const auto size = [](int width, int height, std::optional<int> side) {
    const Size made = network_size({width, height}, side);
    return std::pair(made.width, made.height);
  };
  EXPECT_EQ(size(300, 20, 1024), std::pair(1024, 1024));
  EXPECT_EQ(size(1, 1, {}), std::pair(32, 32));
  EXPECT_EQ(size(64, 65, {}), std::pair(64, 96));
  EXPECT_EQ(size(2304, 2304, {}), std::pair(2304, 2304));
  EXPECT_EQ(size(4608, 1000, {}), std::pair(2304, 512));
  EXPECT_EQ(size(16'000, 3, {}), std::pair(2304, 32));
}

TEST(Birefnet, MattesHaveThePicturesSizeAndRepeat) {
  const auto matter = open();
  EXPECT_EQ(matter->name(), "birefnet");
  const image::Image input = picture(50, 33);
  const cutout::Matte first = matter->matte(input, {}).value();
  EXPECT_EQ(first.alpha.width, 50);
  EXPECT_EQ(first.alpha.height, 33);
  EXPECT_NE(*std::ranges::min_element(first.alpha.pixels),
            *std::ranges::max_element(first.alpha.pixels));
  EXPECT_EQ(matter->matte(input, {}).value().alpha.pixels, first.alpha.pixels);
  EXPECT_THAT(first.note, HasSubstr("64x64, patches channel_major as asked"));
}

TEST(Birefnet, NativeSizesRunFromOnePixelOn) {
  BirefnetOptions options = small();
  options.side.reset();
  const auto matter = open(options);
  for (const auto& [width, height] : {std::pair(1, 1), {40, 70}, {96, 32}}) {
    const cutout::Matte matte = matter->matte(picture(width, height, 4), {}).value();
    EXPECT_EQ(matte.alpha.width, width);
    EXPECT_EQ(matte.alpha.height, height);
  }
}

TEST(Birefnet, ABudgetOfOneBlockAndBfloat16MakeTheSameMatteOrNearlySo) {
  const image::Image input = picture(64, 64);
  const auto expected = open()->matte(input, {}).value().alpha.pixels;
  BirefnetOptions tight = small();
  tight.memory_budget_bytes = 1;
  const Error refused = error_of(snapshot(), tight);
  EXPECT_EQ(refused.code, Errc::out_of_resource) << refused.context;
  tight.memory_budget_bytes = 400'000;  // of 800 kB
  EXPECT_EQ(open(tight)->matte(input, {}).value().alpha.pixels, expected);
  BirefnetOptions half = small();
  half.compute = Compute::bfloat16;
  const auto nearly = open(half)->matte(input, {}).value().alpha.pixels;
  double sum = 0;
  for (std::size_t i = 0; i < nearly.size(); ++i) {
    sum += std::abs(nearly[i] - expected[i]);
  }
  EXPECT_LT(sum / static_cast<double>(nearly.size()), 0.06 * 255);
}

TEST(Birefnet, PatchOrderComesFromTheOptionElseFromTheCodeBesideTheWeights) {
  const ScratchFolder scratch;
  std::filesystem::copy(snapshot() / "model.safetensors", scratch.path() / "model.safetensors");
  const auto beside = [&](const std::string& code) {
    std::ofstream(scratch.path() / "birefnet.py") << code;
    return BirefnetMatter::open(scratch.path(), small(Patches::automatic));
  };
  const Error unknown = error_of(scratch.path(), small(Patches::automatic));
  EXPECT_EQ(unknown.code, Errc::invalid_input);
  EXPECT_THAT(unknown.context, HasSubstr("tile_major (RMBG-2.0"));
  EXPECT_FALSE(beside("import torch"));

  const image::Image input = picture(64, 64);
  const auto older = beside("patches_batch = self.get_patches_batch(x, x4)").value();
  EXPECT_EQ(older->description().patch_order, "tile_major");
  EXPECT_THAT(older->description().told_by, HasSubstr("birefnet.py"));
  EXPECT_EQ(older->matte(input, {}).value().alpha.pixels,
            open(small(Patches::tile_major))->matte(input, {}).value().alpha.pixels);
  const auto newer =
      beside("image2patches(x, transformation='b c (hg h) (wg w) -> b (c hg wg) h w')").value();
  EXPECT_EQ(newer->description().patch_order, "channel_major");
  EXPECT_EQ(newer->matte(input, {}).value().alpha.pixels,
            open()->matte(input, {}).value().alpha.pixels);
  EXPECT_NE(newer->matte(input, {}).value().alpha.pixels,
            older->matte(input, {}).value().alpha.pixels);
  // The option is stronger than the file.
  const auto asked = BirefnetMatter::open(scratch.path(), small(Patches::tile_major)).value();
  EXPECT_EQ(asked->description().patch_order, "tile_major");
}

/// The snapshot in float32 with one tensor's first value replaced.
void write_damaged(const std::filesystem::path& to, const std::string& name, float value) {
  const auto checkpoint = weights::Checkpoint::open(snapshot()).value();
  std::map<std::string, at::Tensor> tensors;
  std::vector<weights::TensorToWrite> stored;
  for (const weights::StoredTensor& tensor : checkpoint.tensors()) {
    if (tensor.dtype == weights::DType::i64) {
      continue;
    }
    at::Tensor& copy = tensors[std::string(tensor.name)];
    copy = test::to_tensor(tensor);
    if (tensor.name == name) {
      copy.data_ptr<float>()[0] = value;
    }
    stored.push_back({std::string(tensor.name),
                      weights::DType::f32,
                      copy.sizes().vec(),
                      {static_cast<const std::uint8_t*>(copy.data_ptr()), copy.nbytes()}});
  }
  ASSERT_TRUE(weights::write_safetensors(to, stored));
}

TEST(Birefnet, DamagedWeightsAndResultsThatAreNoNumbersAreErrors) {
  const ScratchFolder scratch;
  const std::filesystem::path file = scratch.path() / "model.safetensors";
  write_damaged(file, "bb.layers.2.blocks.1.mlp.fc1.bias", std::numeric_limits<float>::quiet_NaN());
  const auto damaged = BirefnetMatter::open(scratch.path(), small()).value();
  const auto refused = damaged->matte(picture(32, 32), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::invalid_input);
  EXPECT_THAT(refused.error().context, HasSubstr("bb.layers.2.blocks.1.mlp.fc1.bias"));
  std::filesystem::remove(file);
  write_damaged(file, "decoder.gdt_convs_2.0.weight", 3e38F);
  write_damaged(file, "decoder.decoder_block1.conv_in.weight", 3e38F);
  const auto overflowing = BirefnetMatter::open(scratch.path(), small()).value();
  const auto unusable = overflowing->matte(picture(32, 32), {});
  ASSERT_FALSE(unusable);
  EXPECT_EQ(unusable.error().code, Errc::internal) << unusable.error().context;
  EXPECT_THAT(unusable.error().context, HasSubstr("no numbers"));
}

TEST(Birefnet, StopsWhenAskedAndRunsAgain) {
  const auto matter = open();
  std::stop_source source;
  source.request_stop();
  const auto stopped = matter->matte(picture(64, 64), source.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Errc::cancelled);
  EXPECT_EQ(matter->matte(picture(64, 64), {}).value().alpha.pixels,
            open()->matte(picture(64, 64), {}).value().alpha.pixels);
}

TEST(Birefnet, WrongFoldersAndOptionsAreRefusedByName) {
  EXPECT_EQ(error_of("/nonexistent/birefnet").code, Errc::not_found);
  const std::filesystem::path flux = test::flux_golden() / "snapshot" / "transformer";
  const Error other = error_of(flux);
  EXPECT_EQ(other.code, Errc::unsupported);
  EXPECT_THAT(other.context, HasSubstr(flux.string() + ": tensor bb.patch_embed.proj.weight"));
  for (const int side : {0, 1000, 4096, -32}) {
    BirefnetOptions options = small();
    options.side = side;
    const Error refused = error_of(snapshot(), options);
    EXPECT_EQ(refused.code, Errc::invalid_input);
    EXPECT_THAT(refused.context, HasSubstr("multiple of 32"));
  }
  BirefnetOptions half = small();
  half.compute = Compute::float16;
  EXPECT_EQ(error_of(snapshot(), half).code, Errc::unsupported);
  BirefnetOptions device = small();
  device.device = "abacus";
  EXPECT_EQ(error_of(snapshot(), device).code, Errc::invalid_input);
}

TEST(Birefnet, TellsWhatTheFolderHolds) {
  const auto matter = open();
  EXPECT_EQ(matter->description().backbone, "Swin of width 4, depths 2, 2, 2, 2");
  EXPECT_GT(matter->description().parameters, 100'000U);
}

}  // namespace
}  // namespace lode::birefnet
