#include "models/mv_unet.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/assert.h"
#include "models/config_internal.h"
#include "nn/timestep.h"

namespace lode::models {

namespace {

constexpr Range kLevels{1, 8};

/// What CompVis' code knows besides and MVDream does not use.
void refuse_other_variants(ConfigReader& read) {
  for (const char* field : {"num_classes", "n_embed", "num_attention_blocks", "adm_in_channels"}) {
    read.expect_absent(field);
  }
  for (const char* field : {"use_scale_shift_norm", "resblock_updown"}) {
    read.support(!read.flag_or(field, false), field, "true is not known here");
  }
  read.support(read.flag_or("conv_resample", true), "conv_resample", "true expected");
  read.support(read.integer_or("dims", {1, 3}, 2) == 2, "dims", "2 expected");
  read.support(read.integer_or("transformer_depth", kLayers, 1) == 1, "transformer_depth",
               "1 expected");
}

/// Heads of a level so wide: by their width, or by their number.
std::int64_t heads_of(ConfigReader& read, std::int64_t channels) {
  const std::int64_t width = read.integer_or("num_head_channels", {-1, kHeadWidth.most}, -1);
  const std::int64_t number = read.integer_or("num_heads", {-1, kHeads.most}, -1);
  read.require(width > 0 || number > 0, "num_head_channels", "it or num_heads expected");
  const std::int64_t divisor = std::max<std::int64_t>(width > 0 ? width : number, 1);
  read.require(channels % divisor == 0, width > 0 ? "num_head_channels" : "num_heads",
               "a divisor of every level's channels expected");
  return width > 0 ? channels / divisor : divisor;
}

}  // namespace

Result<MvUnetConfig> parse_mv_unet_config(const nlohmann::ordered_json& json) {
  ConfigReader read(json);
  MvUnetConfig config;
  UnetShape& shape = config.shape;
  read.expect_class("MultiViewUNetModel");
  refuse_other_variants(read);
  shape.in_channels = read.integer("in_channels", kChannels);
  shape.out_channels = read.integer("out_channels", kChannels);
  shape.context_width = read.integer("context_dim", kWidth);
  config.camera_width = read.integer_or("camera_dim", kWidth, 0);
  config.picture.tokens = read.integer_or("ip_dim", {0, kPositions.most}, 0);
  config.picture.weight = read.number_or("ip_weight", -1e3, 1e3, 1);
  const std::int64_t base = read.integer("model_channels", kChannels);
  const auto multiples = read.integers_or("channel_mult", kLevels, {1, 64}, {1, 2, 4, 8});
  const auto levels = static_cast<std::int64_t>(multiples.size());
  const auto resnets = read.each_or("num_res_blocks", levels, {1, 16}, 0);
  const auto attentive =
      read.integers_or("attention_resolutions", {0, kLevels.most}, {1, 1 << kLevels.most}, {});
  read.require(base % shape.groups == 0, "model_channels", "a multiple of 32 expected");
  read.support(multiples.front() == 1, "channel_mult", "1 expected as the first");
  for (std::int64_t i = 0; i < levels; ++i) {
    const std::int64_t channels = base * multiples[i];
    read.require(channels <= kChannels.most, "channel_mult", "levels of 8192 channels at most");
    read.require(resnets[i] > 0, "num_res_blocks", "missing");
    const bool has_attention = std::ranges::count(attentive, std::int64_t{1} << i) > 0;
    shape.levels.push_back({channels, resnets[i], has_attention ? heads_of(read, channels) : 0});
  }
  shape.mid_heads = heads_of(read, shape.levels.back().channels);
  LODE_CHECK(read.result());
  return config;
}

MvUnet::MvUnet(const MvUnetConfig& config, const nn::Scope& scope)
    : config_(config),
      time_(scope["time_embed"], config.shape.levels.front().channels, config.shape.time_width(),
            nn::kLdmEmbedding),
      body_(config.shape, UnetNames::ldm, config.picture, scope) {
  if (config.camera_width > 0) {
    camera_.emplace(scope["camera_embed"], config.camera_width, config.shape.time_width(),
                    nn::kLdmEmbedding);
  }
  blocks_.push_back(scope.block("time_embed", {"time_embed.", "camera_embed."}));
  blocks_.insert(blocks_.end(), body_.blocks().begin(), body_.blocks().end());
  if (config.picture.tokens > 0) {
    resampler_.emplace(scope["image_embed"], config.picture.tokens, config.shape.context_width);
    blocks_.push_back(scope.block("image_embed", {"image_embed."}));
  }
}

at::Tensor MvUnet::operator()(const MvUnetInput& input, nn::Pass& pass) const {
  const auto type = input.latents.scalar_type();
  LODE_ASSERT(input.latents.size(2) % config_.shape.reduction() == 0 &&
                  input.latents.size(3) % config_.shape.reduction() == 0,
              "latents have whole pixels at every level");
  LODE_ASSERT(input.picture_tokens.defined() == resampler_.has_value(),
              "a network that looks at a picture is given one, and no other is");
  UnetBody::Input body{.latents = input.latents, .context = input.context, .views = input.views};
  {
    const nn::InBlock inside(pass, blocks_.front());
    body.time = time_(
        nn::timestep_embedding(input.timesteps, {.width = config_.shape.levels.front().channels})
            .to(type));
    if (input.cameras.defined()) {
      LODE_ASSERT(camera_.has_value(), "a network without cameras is given none");
      body.time = body.time + (*camera_)(input.cameras);
    }
  }
  if (input.picture_tokens.defined()) {
    body.context = at::cat({input.context, input.picture_tokens}, 1);
  }
  if (input.picture_latents.defined()) {
    body.latents = input.latents.clone();
    body.latents.slice(0, input.views - 1, {}, input.views).copy_(input.picture_latents);
  }
  return body_(body, pass);
}

at::Tensor MvUnet::embed_picture(const at::Tensor& features, nn::Pass& pass) const {
  LODE_ASSERT(resampler_.has_value(), "a network that looks at pictures");
  const nn::InBlock inside(pass, blocks_.back());
  return (*resampler_)(features);
}

nn::LoadRules MvUnet::load_rules() { return {}; }

}  // namespace lode::models
