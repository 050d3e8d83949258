// The configs of the networks that guide: the published ones have the published parameters, and
// others are refused by the name of the field.
#include <gtest/gtest.h>

#include "models/diffusion_schedule.h"
#include "models/mv_unet.h"
#include "models/test_configs.h"
#include "models/unet_2d.h"

namespace lode::models {
namespace {

Json sd15_json() {
  return {{"_class_name", "UNet2DConditionModel"},
          {"act_fn", "silu"},
          {"attention_head_dim", 8},
          {"block_out_channels", {320, 640, 1280, 1280}},
          {"center_input_sample", false},
          {"cross_attention_dim", 768},
          {"down_block_types",
           {"CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"}},
          {"downsample_padding", 1},
          {"flip_sin_to_cos", true},
          {"freq_shift", 0},
          {"in_channels", 4},
          {"layers_per_block", 2},
          {"mid_block_scale_factor", 1},
          {"norm_eps", 1e-5},
          {"norm_num_groups", 32},
          {"out_channels", 4},
          {"sample_size", 64},
          {"up_block_types",
           {"UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"}}};
}

Json mvdream_json() {
  return {{"_class_name", "MultiViewUNetModel"},
          {"attention_resolutions", {4, 2, 1}},
          {"camera_dim", 16},
          {"channel_mult", {1, 2, 4, 4}},
          {"context_dim", 1024},
          {"image_size", 32},
          {"in_channels", 4},
          {"model_channels", 320},
          {"num_head_channels", 64},
          {"num_res_blocks", 2},
          {"out_channels", 4},
          {"transformer_depth", 1}};
}

Json schedule_json() {
  return {{"_class_name", "DDIMScheduler"},
          {"num_train_timesteps", 1000},
          {"beta_start", 0.00085},
          {"beta_end", 0.012},
          {"beta_schedule", "scaled_linear"},
          {"clip_sample", false},
          {"set_alpha_to_one", false},
          {"steps_offset", 1},
          {"prediction_type", "epsilon"}};
}

Size unet_2d_size(const Json& json, const std::string& list) {
  return size_by<Unet2d>(parse_unet_2d_config(json).value(), list);
}

Size mv_unet_size(const Json& json, const std::string& list) {
  return size_by<MvUnet>(parse_mv_unet_config(json).value(), list);
}

TEST(GuidanceSize, Zero123) {
  Json json = sd15_json();
  json["in_channels"] = 8;
  EXPECT_EQ(unet_2d_size(json, "zero123_unet.txt"), (Size{859'532'484, 686}));
}

TEST(GuidanceSize, StableDiffusion15HasFourChannelsLess) {
  nn::ParameterSet set;
  const Unet2d network(parse_unet_2d_config(sd15_json()).value(), set.root());
  EXPECT_EQ(set.count(), 859'532'484 - 4 * 320 * 9);
}

TEST(GuidanceSize, StableDiffusion21) {
  Json json = sd15_json();
  json["attention_head_dim"] = {5, 10, 20, 20};
  json["cross_attention_dim"] = 1024;
  json["use_linear_projection"] = true;
  json["upcast_attention"] = true;
  EXPECT_EQ(unet_2d_size(json, "sd21_unet.txt"), (Size{865'910'724, 686}));
  const Unet2dConfig config = parse_unet_2d_config(json).value();
  EXPECT_EQ(config.levels[1].heads, 10);
  EXPECT_EQ(config.levels[3].heads, 0) << "the coarsest level has none";
  EXPECT_EQ(config.mid_heads, 20);
}

TEST(GuidanceSize, MvDream) {
  EXPECT_EQ(mv_unet_size(mvdream_json(), "mvdream_unet.txt"), (Size{867'572'164, 690}));
  EXPECT_EQ(parse_mv_unet_config(mvdream_json()).value().shape.levels[2].heads, 20);
}

TEST(GuidanceSize, ImageDream) {
  Json json = mvdream_json();
  json["ip_dim"] = 16;
  EXPECT_EQ(mv_unet_size(json, "imagedream_unet.txt"), (Size{941'672'900, 773}));
}

TEST(GuidanceSize, HeadsByTheirNumber) {
  // MVDream on Stable Diffusion 1.5: eight heads at every level, whatever its width.
  Json json = mvdream_json();
  json.erase("num_head_channels");
  json["num_heads"] = 8;
  const UnetShape shape = parse_mv_unet_config(json).value().shape;
  EXPECT_EQ(shape.levels[0].heads, 8);
  EXPECT_EQ(shape.mid_heads, 8);
}

TEST(GuidanceConfigs, Unet2d) {
  expect_refusals(
      only_errors(parse_unet_2d_config), sd15_json(),
      {{"_class_name", "UNet3DConditionModel", Errc::unsupported},
       {"_class_name", kMissing, Errc::invalid_input},
       {"act_fn", "mish", Errc::unsupported},
       {"addition_embed_type", "text_time", Errc::unsupported},
       {"attention_head_dim", 7, Errc::invalid_input},
       {"attention_head_dim", {5, 10, 20}, Errc::invalid_input},
       {"attention_head_dim", 0, Errc::invalid_input},
       {"block_out_channels", {320, 640, 1280, 1290}, Errc::invalid_input},
       {"block_out_channels", Json::array(), Errc::invalid_input},
       {"block_out_channels", Json(9, 320), Errc::invalid_input},
       {"center_input_sample", true, Errc::unsupported},
       {"class_embed_type", "timestep", Errc::unsupported},
       {"cross_attention_dim", {768, 768, 768, 768}, Errc::invalid_input},
       {"down_block_types", Json(4, "AttnDownBlock2D"), Errc::unsupported},
       {"down_block_types", Json(4, "DownBlock2D"), Errc::unsupported},  // unlike the way up
       {"up_block_types", {"UpBlock2D"}, Errc::invalid_input},
       {"mid_block_type", "UNetMidBlock2D", Errc::unsupported},
       {"downsample_padding", 0, Errc::unsupported},
       {"encoder_hid_dim", 4096, Errc::unsupported},
       {"flip_sin_to_cos", false, Errc::unsupported},
       {"freq_shift", 1, Errc::unsupported},
       {"in_channels", 1'000'000, Errc::invalid_input},
       {"layers_per_block", 17, Errc::invalid_input},
       {"layers_per_block", {2, 2}, Errc::invalid_input},
       {"mid_block_scale_factor", 2, Errc::unsupported},
       {"norm_num_groups", 33, Errc::invalid_input},
       {"resnet_time_scale_shift", "scale_shift", Errc::unsupported},
       {"time_cond_proj_dim", 256, Errc::unsupported},
       {"time_embedding_type", "fourier", Errc::unsupported},
       {"transformer_layers_per_block", {1, 2, 10, 10}, Errc::unsupported},
       {"use_linear_projection", 1, Errc::invalid_input}});
}

TEST(GuidanceConfigs, MvUnet) {
  expect_refusals(only_errors(parse_mv_unet_config), mvdream_json(),
                  {{"_class_name", "UNetModel", Errc::unsupported},
                   {"attention_resolutions", kMissing, Errc::invalid_input},
                   {"attention_resolutions", {0}, Errc::invalid_input},
                   {"camera_dim", -1, Errc::invalid_input},
                   {"channel_mult", {2, 4}, Errc::unsupported},
                   {"channel_mult", {1, 60}, Errc::invalid_input},
                   {"context_dim", kMissing, Errc::invalid_input},
                   {"conv_resample", false, Errc::unsupported},
                   {"dims", 3, Errc::unsupported},
                   {"ip_dim", -1, Errc::invalid_input},
                   {"model_channels", 336, Errc::invalid_input},
                   {"num_classes", 10, Errc::unsupported},
                   {"num_head_channels", kMissing, Errc::invalid_input},
                   {"num_head_channels", 63, Errc::invalid_input},
                   {"num_res_blocks", kMissing, Errc::invalid_input},
                   {"num_res_blocks", {2, 2}, Errc::invalid_input},
                   {"resblock_updown", true, Errc::unsupported},
                   {"transformer_depth", 2, Errc::unsupported},
                   {"use_scale_shift_norm", true, Errc::unsupported}});
}

TEST(GuidanceConfigs, Schedule) {
  expect_refusals(only_errors(parse_diffusion_schedule_config), schedule_json(),
                  {{"_class_name", "LCMScheduler", Errc::unsupported},
                   {"_class_name", kMissing, Errc::invalid_input},
                   {"beta_start", 0, Errc::invalid_input},
                   {"beta_end", 0.9, Errc::invalid_input},  // nothing of the picture is left
                   {"beta_end", 1, Errc::invalid_input},
                   {"beta_schedule", "squaredcos_cap_v2", Errc::unsupported},
                   {"clip_sample_range", 0, Errc::invalid_input},
                   {"num_train_timesteps", 0, Errc::invalid_input},
                   {"prediction_type", "flow", Errc::unsupported},
                   {"rescale_betas_zero_snr", true, Errc::unsupported},
                   {"steps_offset", -1, Errc::invalid_input},
                   {"thresholding", true, Errc::unsupported},
                   {"timestep_spacing", "karras", Errc::unsupported},
                   {"trained_betas", {0.1}, Errc::unsupported},
                   {"variance_type", "learned_range", Errc::unsupported}});
}

TEST(GuidanceConfigs, SurviveEveryOddValueOfEveryField) {
  expect_own_parser_alone({sd15_json(), mvdream_json(), schedule_json()}, [](const Json& json) {
    return static_cast<int>(parse_unet_2d_config(json).has_value()) +
           parse_mv_unet_config(json).has_value() +
           parse_diffusion_schedule_config(json).has_value();
  });
}

}  // namespace
}  // namespace lode::models
