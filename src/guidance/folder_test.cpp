// Folders that are not what they should be: each refusal names the file and the field.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "base/file.h"
#include "guidance/models_internal.h"
#include "guidance/test_support.h"
#include "tests/support/scratch_folder.h"

namespace lode::guidance {
namespace {

using testing::HasSubstr;

/// A copy of a tiny folder to be damaged.
class DamagedFolder : public testing::Test {
 protected:
  void copy(const std::string& kind) {
    kind_ = kind;
    folder_ = scratch_.path() / "copy";
    std::filesystem::copy(golden_folder() / kind, folder_,
                          std::filesystem::copy_options::recursive);
  }

  void replace(const std::string& file, const std::string& from, const std::string& to) {
    const Bytes bytes = read_file(folder_ / file, 1 << 20).value();
    std::string text(bytes.begin(), bytes.end());
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    std::ofstream(folder_ / file) << text;
  }

  Error refusal() const {
    const auto error_of = [](const auto& opened) {
      EXPECT_FALSE(opened);
      return opened ? Error() : opened.error();
    };
    if (kind_ == "zero123") {
      return error_of(open_zero123(folder_, on_cpu<Zero123Options>()));
    }
    if (kind_ == "mvdream") {
      return error_of(open_mvdream(folder_, on_cpu<MvdreamOptions>()));
    }
    return error_of(open_stable_diffusion(folder_, on_cpu<StableDiffusionOptions>()));
  }

  void expect_refusal(Errc code, std::initializer_list<std::string> parts) const {
    const Error error = refusal();
    EXPECT_EQ(error.code, code) << error.context;
    for (const std::string& part : parts) {
      EXPECT_THAT(error.context, HasSubstr(part));
    }
  }

  testing_support::ScratchFolder scratch_;
  std::filesystem::path folder_;
  std::string kind_;
};

class Folder : public DamagedFolder, public testing::WithParamInterface<std::string> {};

INSTANTIATE_TEST_SUITE_P(Kinds, Folder, testing::Values("zero123", "mvdream", "sd21"),
                         [](const auto& info) { return info.param; });

TEST_P(Folder, OfNothing) {
  copy(GetParam());
  std::filesystem::remove(folder_ / "model_index.json");
  expect_refusal(Errc::not_found, {"model_index.json"});
}

TEST_P(Folder, OfAnotherPipeline) {
  copy(GetParam());
  replace("model_index.json", "Pipeline\"", "Other\"");
  expect_refusal(Errc::unsupported, {"model_index.json", "_class_name"});
}

TEST_P(Folder, WithoutAPart) {
  for (const std::string part : {"unet", "vae", "scheduler"}) {
    copy(GetParam());
    std::filesystem::remove_all(folder_ / part);
    expect_refusal(Errc::not_found, {part});
    std::filesystem::remove_all(folder_);
  }
}

TEST_P(Folder, WithoutWeights) {
  for (const std::string part : {"unet", "vae"}) {
    copy(GetParam());
    std::filesystem::remove(folder_ / part / "diffusion_pytorch_model.safetensors");
    EXPECT_THAT(refusal().context, HasSubstr("/" + part));
    std::filesystem::remove_all(folder_);
  }
}

TEST_P(Folder, WithAnotherSchedule) {
  copy(GetParam());
  replace("scheduler/scheduler_config.json", "\"scaled_linear\"", "\"sigmoid\"");
  expect_refusal(Errc::unsupported, {"scheduler_config.json", "beta_schedule"});
}

TEST_P(Folder, WithAnotherAutoencoder) {
  copy(GetParam());
  replace("vae/config.json", "\"latent_channels\": 4", "\"latent_channels\": 5");
  EXPECT_EQ(refusal().code, Errc::invalid_input);
  EXPECT_THAT(refusal().context, HasSubstr("vae"));
}

TEST_P(Folder, WithTruncatedWeights) {
  copy(GetParam());
  const auto file = folder_ / "unet" / "diffusion_pytorch_model.safetensors";
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 4);
  EXPECT_THAT(refusal().context, HasSubstr("unet/diffusion_pytorch_model.safetensors"));
}

TEST_F(DamagedFolder, Zero123WithAnotherFeatureExtractor) {
  copy("zero123");
  replace("feature_extractor/preprocessor_config.json", "0.48145466", "0.5");
  expect_refusal(Errc::unsupported, {"preprocessor_config.json", "image_mean"});
}

TEST_F(DamagedFolder, Zero123WithAnotherCrop) {
  copy("zero123");
  replace("feature_extractor/preprocessor_config.json", "\"height\": 224", "\"height\": 336");
  expect_refusal(Errc::unsupported, {"preprocessor_config.json", "crop_size", "224"});
}

TEST_F(DamagedFolder, Zero123WithoutAFeatureExtractorIsTakenAsClips) {
  copy("zero123");
  std::filesystem::remove_all(folder_ / "feature_extractor");
  EXPECT_TRUE(open_zero123(folder_, on_cpu<Zero123Options>()));
}

TEST_F(DamagedFolder, Zero123WhoseProjectionDoesNotFit) {
  copy("zero123");
  replace("clip_camera_projection/config.json", "\"embedding_dim\": 24", "\"embedding_dim\": 25");
  expect_refusal(Errc::invalid_input, {"embedding_dim is 25"});
}

TEST_F(DamagedFolder, Zero123WithAnotherPose) {
  copy("zero123");
  replace("clip_camera_projection/config.json", "\"additional_embeddings\": 4",
          "\"additional_embeddings\": 3");
  expect_refusal(Errc::invalid_input, {"additional_embeddings is 3"});
}

TEST_F(DamagedFolder, MvdreamWhoseTextDoesNotFit) {
  copy("mvdream");
  replace("unet/config.json", "\"context_dim\": 16", "\"context_dim\": 32");
  expect_refusal(Errc::invalid_input, {"hidden_size is 16", "32"});
}

TEST_F(DamagedFolder, MvdreamWithOtherCameras) {
  copy("mvdream");
  replace("unet/config.json", "\"camera_dim\": 16", "\"camera_dim\": 12");
  expect_refusal(Errc::invalid_input, {"camera_dim is 12"});
}

TEST_F(DamagedFolder, MvdreamWithMoreTokensThanRows) {
  copy("mvdream");
  replace("text_encoder/config.json", "\"vocab_size\": 814", "\"vocab_size\": 800");
  expect_refusal(Errc::invalid_input, {"814", "vocab_size is 800"});
}

TEST_F(DamagedFolder, OptionsOutOfBounds) {
  MvdreamOptions mvdream = on_cpu<MvdreamOptions>();
  mvdream.sampling.steps = 0;
  EXPECT_THAT(open_mvdream(golden_folder() / "mvdream", mvdream).error().context,
              HasSubstr("sampling.steps 0"));
  mvdream = on_cpu<MvdreamOptions>();
  mvdream.reconstruction = 1.5;
  EXPECT_THAT(open_mvdream(golden_folder() / "mvdream", mvdream).error().context,
              HasSubstr("reconstruction 1.5"));
  Zero123Options zero123 = on_cpu<Zero123Options>();
  zero123.sampling.azimuths_deg.clear();
  EXPECT_THAT(open_zero123(golden_folder() / "zero123", zero123).error().context,
              HasSubstr("azimuths_deg"));
  zero123 = on_cpu<Zero123Options>();
  zero123.scale = NAN;
  EXPECT_THAT(open_zero123(golden_folder() / "zero123", zero123).error().context,
              HasSubstr("scale nan"));
}

}  // namespace
}  // namespace lode::guidance
