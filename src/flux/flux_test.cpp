// FLUX from prompt to picture against diffusers' own run of the tiny snapshot, and what goes wrong.
#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <new>

#include "base/file.h"
#include "flux/folder.h"
#include "flux/pipeline.h"
#include "models/pictures.h"
#include "nn/loader.h"
#include "nn/noise.h"
#include "tests/support/golden_tensors.h"
#include "tests/support/scratch_folder.h"

namespace lode::flux {
namespace {

using test::flux_golden;
using test::GoldenTensors;
using testing::HasSubstr;

std::filesystem::path snapshot() { return flux_golden() / "snapshot"; }

FluxOptions on_cpu(Compute compute = Compute::float32, Format format = Format::native) {
  FluxOptions options;
  options.device = "cpu";
  options.compute = compute;
  options.format = format;
  return options;
}

FluxRequest small(const std::string& prompt = "a photo of a cat") {
  FluxRequest request;
  request.prompt = prompt;
  request.steps = 2;
  request.width = 64;
  request.height = 64;
  request.seed = 7;
  return request;
}

at::Tensor as_tensor(std::vector<float>& values) {
  return at::from_blob(values.data(), {static_cast<std::int64_t>(values.size())},
                       at::TensorOptions(at::kFloat));
}

double relative(std::vector<float> a, std::vector<float> b) {
  return test::relative_error(as_tensor(a), as_tensor(b));
}

int largest_difference(const image::Image& picture, const at::Tensor& golden) {
  const at::Tensor plain = golden.contiguous();
  const auto* expected = plain.data_ptr<std::uint8_t>();
  int largest = 0;
  for (std::size_t i = 0; i < picture.pixels.size(); ++i) {
    largest = std::max(largest, std::abs(picture.pixels[i] - expected[i]));
  }
  return largest;
}

struct Bounds {
  double latents;
  int pixels;
};

void expect_golden(const FluxOptions& options, const Bounds& bounds) {
  const GoldenTensors golden(flux_golden() / "pipeline.safetensors");
  FluxPipeline pipeline = FluxPipeline::open(snapshot(), options).value();
  struct Case {
    std::string name;
    std::string prompt;
    int width;
  };
  for (const Case& c : {Case{"square", "A cat holding a sign that says hello world", 64},
                        Case{"wide", "a photo of a cat", 96}}) {
    FluxRequest request = small(c.prompt);
    request.steps = 4;
    request.width = c.width;
    const at::Tensor start = golden[c.name + ".latents"];
    request.latents.assign(start.data_ptr<float>(), start.data_ptr<float>() + start.numel());
    FluxResult result = pipeline.run(request).value();
    const double error =
        test::relative_error(as_tensor(result.latents), golden[c.name + ".steps"][3].flatten());
    EXPECT_LE(error, bounds.latents) << c.name;
    ASSERT_EQ(result.pictures.size(), 1U);
    EXPECT_EQ(result.pictures[0].width, c.width);
    const int difference = largest_difference(result.pictures[0], golden[c.name + ".uint8"]);
    EXPECT_LE(difference, bounds.pixels) << c.name;
    std::printf("%-8s latents %.2e, largest difference of 8 bits %d\n", c.name.c_str(), error,
                difference);
    if (options.compute == Compute::bfloat16) {
      const double to_same = test::relative_error(as_tensor(result.latents),
                                                  golden[c.name + ".bf16_steps"][3].flatten());
      std::printf("%-8s latents %.2e to the reference in bfloat16\n", c.name.c_str(), to_same);
      EXPECT_LE(to_same, 4e-2) << "it rounds where the reference rounds, t = 752 among them";
    }
  }
}

TEST(FluxGolden, FromPromptToPicture) { expect_golden(on_cpu(), {1e-4, 1}); }
TEST(FluxGolden, InBfloat16) { expect_golden(on_cpu(Compute::bfloat16), {1.2e-1, 50}); }
TEST(FluxGolden, InInt8) { expect_golden(on_cpu(Compute::float32, Format::int8), {1.2e-1, 50}); }

TEST(FluxPipeline, MakesThePictureAloneThatItMakesBesideOthers) {
  FluxPipeline pipeline = FluxPipeline::open(snapshot(), on_cpu()).value();
  FluxRequest request = small();
  request.pictures = 3;
  const FluxResult together = pipeline.run(request).value();
  const std::size_t count = together.latents.size() / 3;
  request.pictures = 1;
  for (int i = 0; i < 3; ++i) {
    request.first_picture = i;
    const FluxResult alone = pipeline.run(request).value();
    EXPECT_LE(relative(alone.latents, {together.latents.begin() + i * count,
                                       together.latents.begin() + (i + 1) * count}),
              1e-5)
        << i;
    EXPECT_LE(image::compare(alone.pictures[0], together.pictures[i])->max_abs, 1);
  }
  EXPECT_GT(image::compare(together.pictures[0], together.pictures[1])->max_abs, 20);
  request.first_picture = 0;
  request.seed = 8;
  EXPECT_GT(image::compare(together.pictures[0], pipeline.run(request)->pictures[0])->max_abs, 20);
}

TEST(FluxPipeline, RemembersPrompts) {
  FluxOptions options = on_cpu();
  options.cached_prompts = 2;
  FluxPipeline pipeline = FluxPipeline::open(snapshot(), options).value();
  const auto known = [&](const char* prompt) {
    return pipeline.run(small(prompt))->prompt_was_known;
  };
  const FluxResult first = pipeline.run(small("cat")).value();
  EXPECT_FALSE(first.prompt_was_known);
  const FluxResult again = pipeline.run(small("cat")).value();
  EXPECT_TRUE(again.prompt_was_known);
  EXPECT_EQ(first.pictures[0].pixels, again.pictures[0].pixels);
  EXPECT_FALSE(known("dog"));
  EXPECT_TRUE(known("cat"));
  EXPECT_FALSE(known("bird")) << "dog goes, used least recently";
  EXPECT_TRUE(known("cat"));
  EXPECT_FALSE(known("dog"));
}

TEST(FluxPipeline, StopsWhenAskedAndRunsAgain) {
  FluxPipeline pipeline = FluxPipeline::open(snapshot(), on_cpu()).value();
  const FluxResult whole = pipeline.run(small()).value();
  for (const std::string stage : {"encode", "modulate", "denoise"}) {
    std::stop_source source;
    int told_after = 0;
    const auto stop_at = [&](const FluxProgress& progress) {
      told_after += source.stop_requested() ? 1 : 0;
      if (progress.stage == stage) {
        source.request_stop();
      }
    };
    const auto stopped = pipeline.run(small(), stop_at, source.get_token());
    ASSERT_FALSE(stopped) << stage;
    EXPECT_EQ(stopped.error().code, Errc::cancelled) << stopped.error().context;
    EXPECT_EQ(told_after, 0) << "no stage ended after " << stage;
  }
  EXPECT_EQ(pipeline.run(small())->pictures[0].pixels, whole.pictures[0].pixels);
}

TEST(FluxPipeline, OutlivesLackOfMemory) {
  FluxPipeline pipeline = FluxPipeline::open(snapshot(), on_cpu()).value();
  const auto run_out = [](const FluxProgress& progress) {
    if (progress.stage == "denoise") {
      throw std::bad_alloc();
    }
  };
  const auto failed = pipeline.run(small(), run_out);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::out_of_resource) << failed.error().context;
  EXPECT_TRUE(pipeline.run(small()));
}

/// The least budget, within 4 KB, for which a picture can be planned.
std::uint64_t least_budget(FluxOptions options, int side) {
  std::uint64_t least = 0;
  for (std::uint64_t step = 1ULL << 26U; step >= 1ULL << 12U; step /= 2) {
    options.memory_budget_bytes = least + step;
    if (!FluxPipeline::open(snapshot(), options)->plan(side, side)) {
      least += step;
    }
  }
  return least + (1ULL << 12U);
}

void expect_same_within(FluxOptions options, int side, Part streamed) {
  FluxRequest request = small();
  request.width = side;
  request.height = side;
  const FluxResult reference = FluxPipeline::open(snapshot(), options)->run(request).value();
  options.memory_budget_bytes = least_budget(options, side);
  FluxPipeline pipeline = FluxPipeline::open(snapshot(), options).value();
  const FluxResult result = pipeline.run(request).value();
  EXPECT_EQ(result.pictures[0].pixels, reference.pictures[0].pixels);
  const FluxPlan plan = pipeline.plan(side, side).value();
  for (std::size_t i = 0; i < kParts; ++i) {
    EXPECT_LE(result.peak_weight_bytes[i], plan.parts[i].budget_bytes.value());
    EXPECT_FALSE(plan.parts[i].stays);
    std::printf("budget %.1f MB: %s %.0f KB of weights at once, %.0f KB without\n",
                static_cast<double>(*options.memory_budget_bytes) / 1e6,
                std::string(to_string(static_cast<Part>(i))).c_str(),
                static_cast<double>(result.peak_weight_bytes[i]) / 1e3,
                static_cast<double>(reference.peak_weight_bytes[i]) / 1e3);
  }
  const auto index = static_cast<std::size_t>(streamed);
  EXPECT_LT(result.peak_weight_bytes[index], reference.peak_weight_bytes[index]);
}

TEST(FluxPipeline, GivesTheSamePictureWithinTheLeastBudget) {
  FluxOptions options = on_cpu();
  options.decode_tile = 64;
  expect_same_within(options, 64, Part::t5);
  expect_same_within(options, 320, Part::transformer);
}

TEST(FluxPipeline, AdvisesWhereABudgetIsTooSmall) {
  FluxOptions options = on_cpu();
  options.memory_budget_bytes = 1'000'000;
  FluxPipeline pipeline = FluxPipeline::open(snapshot(), options).value();
  const auto refused = pipeline.run(small());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::out_of_resource);
  EXPECT_THAT(refused.error().context, HasSubstr("raise the memory budget"));
}

TEST(FluxPipeline, RefusesRequestsWithWhatWouldDo) {
  FluxPipeline pipeline = FluxPipeline::open(snapshot(), on_cpu()).value();
  const auto refusal = [&](auto change) {
    FluxRequest request = small();
    change(request);
    const auto result = pipeline.run(request);
    EXPECT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::invalid_input);
    return result.error().context;
  };
  EXPECT_THAT(refusal([](FluxRequest& r) { r.width = 500; }), HasSubstr("496 or 512"));
  EXPECT_THAT(refusal([](FluxRequest& r) { r.height = 0; }), HasSubstr("such as 16"));
  EXPECT_THAT(refusal([](FluxRequest& r) { r.height = 4096; }), HasSubstr("such as 2048"));
  EXPECT_THAT(refusal([](FluxRequest& r) { r.width = -16; }), HasSubstr("width"));
  EXPECT_THAT(refusal([](FluxRequest& r) { r.steps = 0; }), HasSubstr("steps"));
  EXPECT_THAT(refusal([](FluxRequest& r) { r.steps = 1000; }), HasSubstr("steps"));
  EXPECT_THAT(refusal([](FluxRequest& r) { r.pictures = 17; }), HasSubstr("pictures"));
  EXPECT_THAT(refusal([](FluxRequest& r) { r.latents = {1.0F}; }), HasSubstr("latents: 1024"));
  EXPECT_THAT(refusal([](FluxRequest& r) { r.latents.assign(1024, NAN); }), HasSubstr("finite"));
}

TEST(FluxPipeline, SaysThatAPromptWasCut) {
  FluxPipeline pipeline = FluxPipeline::open(snapshot(), on_cpu()).value();
  EXPECT_TRUE(pipeline.run(small("a cat"))->notes.empty());
  std::string prompt;
  for (int i = 0; i < 300; ++i) {
    prompt += "red dragon ";
  }
  const FluxResult result = pipeline.run(small(prompt)).value();
  ASSERT_EQ(result.notes.size(), 2U);
  EXPECT_THAT(result.notes[0], HasSubstr("CLIP"));
  EXPECT_THAT(result.notes[1], HasSubstr("T5"));
  EXPECT_EQ(pipeline.run(small(prompt))->notes, result.notes) << "of a known prompt, too";
}

TEST(FluxPipeline, RoundsToTheNearestOfEightBits) {
  std::vector<float> values;
  for (const float byte : {-20.0F, 0.4F, 100.4F, 100.6F, 254.6F, 300.0F}) {
    for (int channel = 0; channel < 2; ++channel) {
      values.push_back(byte / 127.5F - 1);
    }
  }
  const image::Image picture = models::to_picture(as_tensor(values).view({1, 3, 1, 4}));
  // Planes of four: the first pixel is values 0, 4 and 8.
  EXPECT_THAT(picture.pixels,
              testing::ElementsAre(0, 100, 255, 0, 100, 255, 0, 101, 255, 0, 101, 255));
}

TEST(FluxPipeline, DecodesInTilesCloseToTheWhole) {
  FluxOptions options = on_cpu();
  options.decode_tile = 64;
  FluxPipeline tiled = FluxPipeline::open(snapshot(), options).value();
  FluxPipeline whole = FluxPipeline::open(snapshot(), on_cpu()).value();
  FluxRequest request = small();
  EXPECT_EQ(tiled.run(request)->pictures[0].pixels, whole.run(request)->pictures[0].pixels)
      << "a picture of one tile is decoded as a whole";
  request.width = 160;
  request.height = 112;
  const FluxResult a = tiled.run(request).value();
  const FluxResult b = whole.run(request).value();
  EXPECT_TRUE(a.decoded_in_tiles);
  EXPECT_FALSE(b.decoded_in_tiles);
  const auto difference = image::compare(a.pictures[0], b.pictures[0]).value();
  std::printf("tiles of 64 pixels against the whole: %.1f dB\n", difference.psnr_db);
  EXPECT_GT(difference.psnr_db, 25);
}

/// A copy of the snapshot to be damaged.
class FluxFolders : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = scratch_.path() / "flux";
    std::filesystem::copy(snapshot(), folder_, std::filesystem::copy_options::recursive);
  }

  void replace(const std::string& file, const std::string& from, const std::string& to) {
    const Bytes bytes = read_file(folder_ / file, 1 << 20).value();
    std::string text(bytes.begin(), bytes.end());
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    std::ofstream(folder_ / file) << text;
  }

  /// The error of opening, which inspection has to list, too.
  Error refusal() {
    const auto opened = FluxPipeline::open(folder_, on_cpu());
    EXPECT_FALSE(opened);
    const Error error = opened ? Error() : opened.error();
    if (const auto report = inspect(folder_)) {
      EXPECT_THAT(report->problems, testing::Contains(error.context));
    }
    return error;
  }

  testing_support::ScratchFolder scratch_;
  std::filesystem::path folder_;
};

TEST_F(FluxFolders, NoFolderOfFlux) {
  folder_ = scratch_.path();
  EXPECT_EQ(refusal().code, Errc::not_found);
  EXPECT_THAT(refusal().context, HasSubstr("model_index.json"));
  EXPECT_EQ(inspect(folder_).error().code, Errc::not_found);
}

TEST_F(FluxFolders, WrongPipeline) {
  replace("model_index.json", "FluxPipeline", "StableDiffusionPipeline");
  EXPECT_EQ(refusal().code, Errc::unsupported);
  EXPECT_THAT(refusal().context, HasSubstr("model_index.json"));
}

TEST_F(FluxFolders, MissingShard) {
  std::filesystem::remove(folder_ /
                          "transformer/diffusion_pytorch_model-00002-of-00003.safetensors");
  EXPECT_EQ(refusal().code, Errc::not_found);
  EXPECT_THAT(refusal().context, HasSubstr("00002-of-00003"));
}

TEST_F(FluxFolders, TruncatedWeights) {
  const auto file = folder_ / "vae/diffusion_pytorch_model.safetensors";
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 4);
  EXPECT_THAT(refusal().context, HasSubstr("vae/diffusion_pytorch_model.safetensors"));
}

TEST_F(FluxFolders, ConfigAndWeightsDisagree) {
  replace("text_encoder_2/config.json", "\"d_ff\": 64", "\"d_ff\": 65");
  EXPECT_THAT(refusal().context, HasSubstr("text_encoder_2"));
  EXPECT_THAT(refusal().context, HasSubstr("wi_0"));
}

TEST_F(FluxFolders, PartsDisagree) {
  replace("transformer/config.json", "\"pooled_projection_dim\": 24",
          "\"pooled_projection_dim\": 25");
  EXPECT_THAT(refusal().context, HasSubstr("pooled_projection_dim is 25"));
}

TEST_F(FluxFolders, ListsEverythingThatIsWrong) {
  std::filesystem::remove(folder_ / "text_encoder/model.safetensors");
  std::filesystem::remove_all(folder_ / "tokenizer");
  replace("scheduler/scheduler_config.json", "FlowMatchEuler", "Other");
  const FluxFolder report = inspect(folder_).value();
  EXPECT_EQ(report.problems.size(), 3U) << testing::PrintToString(report.problems);
  EXPECT_EQ(report.parts.size(), 4U);
}

TEST_F(FluxFolders, DescribesAWholeOne) {
  const FluxFolder report = inspect(folder_).value();
  EXPECT_THAT(report.problems, testing::IsEmpty());
  ASSERT_EQ(report.parts.size(), 4U);
  for (const FluxPartReport& part : report.parts) {
    EXPECT_EQ(part.stored_types, "F32");
    EXPECT_EQ(part.float32_bytes, part.parameters * 4) << part.name;
    EXPECT_EQ(part.bfloat16_bytes, part.parameters * 2) << part.name;
    EXPECT_GT(part.largest_block_bytes, 0U);
    EXPECT_LE(part.int8_bytes, part.bfloat16_bytes);
  }
  EXPECT_GT(report.least_bfloat16_bytes, 0U);
}

TEST_F(FluxFolders, NotANumberAmongTheWeights) {
  const auto file = folder_ / "text_encoder/model.safetensors";
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  stream.seekp(-400, std::ios::end);
  stream.write(reinterpret_cast<const char*>(&nan), sizeof nan);
  stream.close();
  FluxPipeline pipeline = FluxPipeline::open(folder_, on_cpu()).value();
  const auto result = pipeline.run(small());
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().context, HasSubstr("text_encoder"));
  EXPECT_THAT(result.error().context, HasSubstr("text_model."));
}

TEST(FluxPlan, KeepsWhatFitsBesideTheRest) {
  FluxDemand demand;
  demand.weights = {{{1, 1}, {40, 4}, {100, 10}, {2, 2}}};
  demand.activation_bytes = {1, 1, 5, 8};
  demand.tiled_decoder_bytes = 3;
  const auto stays = [](const FluxPlan& plan) {
    return std::vector<bool>{plan.parts[0].stays, plan.parts[1].stays, plan.parts[2].stays,
                             plan.parts[3].stays};
  };
  using Bools = std::vector<bool>;
  EXPECT_EQ(stays(plan_flux(demand, std::nullopt).value()), (Bools{true, true, true, true}));
  EXPECT_EQ(stays(plan_flux(demand, 151).value()), (Bools{true, true, true, true}));
  EXPECT_EQ(stays(plan_flux(demand, 150).value()), (Bools{false, false, true, false}));
  EXPECT_EQ(stays(plan_flux(demand, 141).value()), (Bools{false, false, true, false}));
  const FluxPlan phases = plan_flux(demand, 140).value();
  EXPECT_EQ(stays(phases), (Bools{false, false, false, false}));
  EXPECT_EQ(phases.parts[2].budget_bytes, 135U);
  EXPECT_FALSE(phases.tiled_decoder);
  EXPECT_TRUE(plan_flux(demand, 15));
  const auto refused = plan_flux(demand, 14);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::out_of_resource);
  EXPECT_THAT(refused.error().context, HasSubstr("transformer"));
  demand.activation_bytes[3] = 20;
  EXPECT_TRUE(plan_flux(demand, 21)->tiled_decoder);
  EXPECT_FALSE(plan_flux(demand, 22)->tiled_decoder);
}

}  // namespace
}  // namespace lode::flux
