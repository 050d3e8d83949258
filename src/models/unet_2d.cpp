#include "models/unet_2d.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "models/config_internal.h"
#include "nn/timestep.h"

namespace lode::models {

namespace {

// Levels beyond this would have one latent of the coarsest stand for more than 128 of the finest.
constexpr Range kLevels{1, 8};

/// What diffusers knows besides and none of these networks has.
void refuse_other_variants(ConfigReader& read) {
  for (const char* field :
       {"encoder_hid_dim", "encoder_hid_dim_type", "num_attention_heads", "class_embed_type",
        "addition_embed_type", "addition_time_embed_dim", "num_class_embeds", "time_embedding_dim",
        "time_embedding_act_fn", "timestep_post_act", "time_cond_proj_dim", "cross_attention_norm",
        "projection_class_embeddings_input_dim", "reverse_transformer_layers_per_block"}) {
    read.expect_absent(field);
  }
  for (const char* field :
       {"center_input_sample", "only_cross_attention", "mid_block_only_cross_attention",
        "dual_cross_attention", "resnet_skip_time_act", "class_embeddings_concat"}) {
    read.support(!read.flag_or(field, false), field, "true is not known here");
  }
  for (const char* field : {"mid_block_scale_factor", "resnet_out_scale_factor"}) {
    read.support(read.number_or(field, 0, 1e6, 1) == 1, field, "1 expected");
  }
  for (const char* field : {"conv_in_kernel", "conv_out_kernel"}) {
    read.support(read.integer_or(field, {1, 31}, 3) == 3, field, "3 expected");
  }
  read.support(read.flag_or("flip_sin_to_cos", true), "flip_sin_to_cos", "true expected");
  read.support(read.number_or("freq_shift", -1, 1, 0) == 0, "freq_shift", "0 expected");
  read.support(read.integer_or("downsample_padding", {0, 1}, 1) == 1, "downsample_padding",
               "1 expected");
  read.choice_or("act_fn", {"silu", "swish"}, "silu");
  read.choice_or("mid_block_type", {"UNetMidBlock2DCrossAttn"}, "UNetMidBlock2DCrossAttn");
  read.choice_or("resnet_time_scale_shift", {"default"}, "default");
  read.choice_or("time_embedding_type", {"positional"}, "positional");
  read.choice_or("attention_type", {"default"}, "default");
  // How matrices are stored, and in what type half-precision attention multiplies: both are taken
  // care of whatever they say.
  read.flag_or("use_linear_projection", false);
  read.flag_or("upcast_attention", false);
}

/// Which levels have attention; the way up has it where the way down has.
std::vector<bool> attentive_levels(ConfigReader& read, std::size_t levels) {
  std::vector<bool> usual(levels, true);
  usual.back() = false;
  const std::vector<bool> down =
      read.which_or("down_block_types", "CrossAttnDownBlock2D", "DownBlock2D", usual);
  std::reverse(usual.begin(), usual.end());
  std::vector<bool> up = read.which_or("up_block_types", "CrossAttnUpBlock2D", "UpBlock2D", usual);
  std::reverse(up.begin(), up.end());
  read.support(up == down, "up_block_types", "those of down_block_types in reverse expected");
  return down;
}

}  // namespace

Result<Unet2dConfig> parse_unet_2d_config(const nlohmann::ordered_json& json) {
  ConfigReader read(json);
  Unet2dConfig config;
  read.expect_class("UNet2DConditionModel");
  refuse_other_variants(read);
  config.in_channels = read.integer_or("in_channels", kChannels, 4);
  config.out_channels = read.integer_or("out_channels", kChannels, 4);
  config.context_width = read.integer_or("cross_attention_dim", kWidth, 1280);
  config.groups = read.integer_or("norm_num_groups", kChannels, 32);
  config.norm_eps = read.number_or("norm_eps", 0, 1, 1e-5);
  const std::vector<std::int64_t> channels =
      read.integers_or("block_out_channels", kLevels, kChannels, {320, 640, 1280, 1280});
  const auto levels = static_cast<std::int64_t>(channels.size());
  const auto resnets = read.each_or("layers_per_block", levels, {1, 16}, 2);
  // The field's name is diffusers' mistake, which its files keep.
  const auto heads = read.each_or("attention_head_dim", levels, kHeads, 8);
  for (const std::int64_t depth :
       read.each_or("transformer_layers_per_block", levels, {0, 256}, 1)) {
    read.support(depth == 1, "transformer_layers_per_block", "1 expected");
  }
  const std::vector<bool> attentive = attentive_levels(read, channels.size());
  for (std::size_t i = 0; i < channels.size(); ++i) {
    read.require(channels[i] % config.groups == 0, "block_out_channels",
                 "multiples of norm_num_groups expected");
    const bool has_heads = attentive[i] || i + 1 == channels.size();
    read.require(!has_heads || channels[i] % heads[i] == 0, "attention_head_dim",
                 "numbers of heads that divide block_out_channels expected");
    config.levels.push_back({channels[i], resnets[i], attentive[i] ? heads[i] : 0});
  }
  config.mid_heads = heads.back();
  LODE_CHECK(read.result());
  return config;
}

Unet2d::Unet2d(const Unet2dConfig& config, const nn::Scope& scope)
    : config_(config),
      time_(scope["time_embedding"], config.levels.front().channels, config.time_width()),
      body_(config, UnetNames::diffusers, {}, scope),
      blocks_{scope.block("time_embedding", {"time_embedding."})} {
  blocks_.insert(blocks_.end(), body_.blocks().begin(), body_.blocks().end());
}

at::Tensor Unet2d::operator()(const at::Tensor& latents, const at::Tensor& timesteps,
                              const at::Tensor& context, nn::Pass& pass) const {
  at::Tensor time;
  {
    const nn::InBlock inside(pass, blocks_.front());
    time = time_(nn::timestep_embedding(timesteps, {.width = config_.levels.front().channels})
                     .to(latents.scalar_type()));
  }
  return body_({.latents = latents, .time = time, .context = context}, pass);
}

nn::LoadRules Unet2d::load_rules() {
  nn::LoadRules rules;
  rules.allow_1x1_convolutions = true;
  return rules;
}

}  // namespace lode::models
