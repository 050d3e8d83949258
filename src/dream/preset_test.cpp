#include "dream/preset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/scratch_folder.h"

namespace lode::dream {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string error_of(const std::string& text) {
  const auto preset = parse_preset(text, "my.toml");
  return preset ? std::string("no error") : preset.error().message();
}

TEST(Preset, BuiltInOnesAllReadBack) {
  EXPECT_THAT(preset_names(),
              ElementsAre("fast", "image", "image_sai", "text", "text_mv", "ultra_fast"));
  for (const std::string_view name : preset_names()) {
    const auto preset = find_preset(std::string(name));
    ASSERT_TRUE(preset) << preset.error().message();
    EXPECT_EQ(preset->name, name);
  }
}

TEST(Preset, HoldsTheReferencesValues) {
  const Preset image = *find_preset("image");
  EXPECT_EQ(image.guidance(), GuidanceKind::zero123_xl);
  EXPECT_EQ(image.iters, 500);
  EXPECT_EQ(image.radius, 2);
  EXPECT_EQ(image.position_lr_final, 0.00002);
  EXPECT_TRUE(image.warmup_rgb_loss);
  const Preset sai = *find_preset("image_sai");
  EXPECT_EQ(sai.guidance(), GuidanceKind::stable_zero123);
  EXPECT_FALSE(sai.warmup_rgb_loss);
  const Preset text = *find_preset("text");
  EXPECT_EQ(text.guidance(), GuidanceKind::stable_diffusion);
  EXPECT_EQ(text.density_start_iter, 0);
  const Preset text_mv = *find_preset("text_mv");
  EXPECT_EQ(text_mv.guidance(), GuidanceKind::mvdream);
  EXPECT_EQ(text_mv.iters, 1000);
  EXPECT_EQ(text_mv.percent_dense, 0.015);
  const Preset fast = *find_preset("fast");
  EXPECT_EQ(fast.num_pts, 6000);
  EXPECT_EQ(fast.sh_degree, 1);
  const Preset ultra = *find_preset("ultra_fast");
  EXPECT_EQ(ultra.batch_size, 4);
  EXPECT_FALSE(ultra.anneal_timestep);
  EXPECT_EQ(ultra.invert_bg_prob, 0);
}

TEST(Preset, KeepsTheFinalPruneInertByEndingOnADensification) {
  for (const std::string_view name : {"image", "image_sai", "text", "text_mv"}) {
    const Preset preset = *find_preset(std::string(name));
    EXPECT_EQ(preset.iters % preset.densification_interval, 0) << name;
  }
}

TEST(Preset, NamesFileLineAndNearestKeyOfAnUnknownOne) {
  EXPECT_THAT(error_of("lambda_sd = 1\n\nitres = 5\n"), HasSubstr("my.toml line 3: itres"));
  EXPECT_THAT(error_of("lambda_sd = 1\n\nitres = 5\n"), HasSubstr("nearest is iters"));
  EXPECT_THAT(error_of("\"\\u001b[31m\" = 1"), Not(HasSubstr("\x1b")));
}

TEST(Preset, RefusesValuesOfAnotherTypeOrOutOfRange) {
  EXPECT_THAT(error_of("iters = 0"), HasSubstr("line 1: iters: a number from 1"));
  EXPECT_THAT(error_of("iters = 1.5"), HasSubstr("iters: a whole number"));
  EXPECT_THAT(error_of("radius = nan"), HasSubstr("radius: a number from 0.6"));
  EXPECT_THAT(error_of("radius = \"2\""), HasSubstr("radius: a number"));
  EXPECT_THAT(error_of("mvdream = 1"), HasSubstr("mvdream: true or false"));
  EXPECT_THAT(error_of("negative_prompt = 3"), HasSubstr("negative_prompt: a text"));
  EXPECT_THAT(error_of("ref_size = 100000"), HasSubstr("ref_size: a number from 16 to 2048"));
  EXPECT_THAT(error_of("sh_degree = 4"), HasSubstr("from 0 to 3"));
  EXPECT_THAT(error_of("iters = [5]"), HasSubstr("iters: a number"));
  EXPECT_THAT(error_of("iters = \n"), HasSubstr("my.toml line"));
}

TEST(Preset, RefusesKeysThatContradictEachOther) {
  EXPECT_THAT(error_of(""), HasSubstr("lambda_sd or lambda_zero123"));
  EXPECT_THAT(error_of("lambda_sd = 1\nlambda_zero123 = 1"), HasSubstr("not both"));
  EXPECT_THAT(error_of("lambda_zero123 = 1\nmvdream = true"), HasSubstr("mvdream"));
  EXPECT_THAT(error_of("lambda_sd = 1\nstable_zero123 = true"), HasSubstr("stable_zero123"));
  EXPECT_THAT(error_of("lambda_sd = 1\nmin_ver = 30\nmax_ver = 30"), HasSubstr("max_ver"));
}

TEST(Preset, RefusesATextBeyondTheLimit) {
  const auto preset = parse_preset(std::string(kMaxPresetBytes + 1, ' '), "long.toml");
  ASSERT_FALSE(preset);
  EXPECT_EQ(preset.error().code, Errc::limit_exceeded);
}

TEST(Preset, IsReadFromAFileAndNamedAfterIt) {
  const testing_support::ScratchFolder folder;
  const auto path = folder.path() / "mine.toml";
  std::ofstream(path) << "lambda_sd = 2\niters = 7\n";
  const auto preset = find_preset(path.string());
  ASSERT_TRUE(preset) << preset.error().message();
  EXPECT_EQ(preset->name, "mine");
  EXPECT_EQ(preset->iters, 7);
  EXPECT_EQ(preset->lambda(), 2);
  const auto missing = find_preset("no_such");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message(), HasSubstr("fast, image, image_sai"));
}

}  // namespace
}  // namespace lode::dream
