#include "models/autoencoder_kl.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/silu.h>
#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "models/config_internal.h"
#include "nn/attention.h"

namespace lode::models {

namespace {

constexpr double kNormEps = 1e-6;  // of every norm in this network
constexpr nn::Conv2d::Options kThreeByThree;
constexpr nn::Conv2d::Options kOneByOne{.kernel = 1, .padding = 0};

// Levels beyond this would make one latent more than 128 pixels wide.
constexpr Range kLevels{1, 8};

nn::ResnetOptions resnet(const AutoencoderKlConfig& config, std::int64_t in, std::int64_t out) {
  return {.in = in, .out = out, .groups = config.groups, .eps = kNormEps};
}

std::vector<nn::ResnetBlock2D> make_resnets(const AutoencoderKlConfig& config,
                                            const nn::Scope& scope, std::int64_t count,
                                            std::int64_t in, std::int64_t out) {
  std::vector<nn::ResnetBlock2D> resnets;
  for (std::int64_t i = 0; i < count; ++i) {
    resnets.emplace_back(scope["resnets"][i], resnet(config, i == 0 ? in : out, out));
  }
  return resnets;
}

// diffusers' models/modeling_utils.py, _convert_deprecated_attention_blocks.
std::vector<std::string> old_attention_names(std::string_view parameter) {
  constexpr std::array<std::array<std::string_view, 2>, 4> kNames = {
      {{".to_q.", ".query."},
       {".to_k.", ".key."},
       {".to_v.", ".value."},
       {".to_out.0.", ".proj_attn."}}};
  for (const auto& [now, once] : kNames) {
    if (const std::size_t at = parameter.find(now); at != std::string_view::npos) {
      return {std::string(parameter).replace(at, now.size(), once)};
    }
  }
  return {};
}

nn::LoadRules half_rules(std::vector<std::string> other_half) {
  nn::LoadRules rules;
  rules.ignore = std::move(other_half);
  rules.aliases = old_attention_names;
  rules.allow_1x1_convolutions = true;
  return rules;
}

}  // namespace

Result<AutoencoderKlConfig> parse_autoencoder_kl_config(const nlohmann::ordered_json& json) {
  constexpr double kMostScaling = 1e6;
  ConfigReader read(json);
  AutoencoderKlConfig config;
  read.expect_class("AutoencoderKL");
  config.image_channels = read.integer_or("in_channels", kChannels, 3);
  read.support(read.integer_or("out_channels", kChannels, 3) == config.image_channels,
               "out_channels", "in_channels expected");
  config.latent_channels = read.integer("latent_channels", kChannels);
  config.channels = read.integers_or("block_out_channels", kLevels, kChannels, {});
  config.layers = read.integer_or("layers_per_block", {1, 16}, 1);
  config.groups = read.integer_or("norm_num_groups", kChannels, 32);
  config.mid_attention = read.flag_or("mid_block_add_attention", true);
  config.quant_conv = read.flag_or("use_quant_conv", true);
  config.post_quant_conv = read.flag_or("use_post_quant_conv", true);
  config.scaling = read.number_or("scaling_factor", 1 / kMostScaling, kMostScaling, 0.18215);
  config.shift = read.number_or("shift_factor", -kMostScaling, kMostScaling, 0);
  read.choice_or("act_fn", {"silu"}, "silu");
  const auto levels = static_cast<std::int64_t>(config.channels.size());
  read.expect_each("down_block_types", "DownEncoderBlock2D", levels);
  read.expect_each("up_block_types", "UpDecoderBlock2D", levels);
  for (const std::int64_t channels : config.channels) {
    read.require(channels % config.groups == 0, "block_out_channels",
                 "multiples of norm_num_groups expected");
  }
  for (const char* field : {"latents_mean", "latents_std"}) {
    read.expect_absent(field);
  }
  LODE_CHECK(read.result());
  return config;
}

KlMidBlock::Attention::Attention(const AutoencoderKlConfig& config, const nn::Scope& scope)
    : norm(scope["group_norm"], config.groups, config.channels.back(), kNormEps),
      q(scope["to_q"], config.channels.back(), config.channels.back()),
      k(scope["to_k"], config.channels.back(), config.channels.back()),
      v(scope["to_v"], config.channels.back(), config.channels.back()),
      out(scope["to_out.0"], config.channels.back(), config.channels.back()) {}

at::Tensor KlMidBlock::Attention::operator()(const at::Tensor& x) const {
  const at::Tensor pixels = norm(x).flatten(2).transpose(1, 2).unsqueeze(1);  // [B, 1, HW, C]
  const at::Tensor attended = out(nn::attention(q(pixels), k(pixels), v(pixels)));
  return x + attended.squeeze(1).transpose(1, 2).reshape(x.sizes());
}

KlMidBlock::KlMidBlock(const AutoencoderKlConfig& config, const nn::Scope& scope)
    : first_(scope["resnets.0"], resnet(config, config.channels.back(), config.channels.back())),
      second_(scope["resnets.1"], resnet(config, config.channels.back(), config.channels.back())) {
  if (config.mid_attention) {
    attention_.emplace(config, scope["attentions.0"]);
  }
}

at::Tensor KlMidBlock::operator()(const at::Tensor& x) const {
  const at::Tensor y = first_(x);
  return second_(attention_ ? (*attention_)(y) : y);
}

nn::LoadRules KlDecoder::load_rules() { return half_rules({"encoder.*", "quant_conv.*"}); }

KlDecoder::KlDecoder(const AutoencoderKlConfig& config, const nn::Scope& scope)
    : config_(config),
      conv_in_(scope["decoder.conv_in"], config.latent_channels, config.channels.back(),
               kThreeByThree),
      mid_(config, scope["decoder.mid_block"]),
      norm_out_(scope["decoder.conv_norm_out"], config.groups, config.channels.front(), kNormEps),
      conv_out_(scope["decoder.conv_out"], config.channels.front(), config.image_channels,
                kThreeByThree) {
  if (config.post_quant_conv) {
    post_quant_.emplace(scope["post_quant_conv"], config.latent_channels, config.latent_channels,
                        kOneByOne);
  }
  blocks_.push_back(
      scope.block("decoder.in", {"post_quant_conv.", "decoder.conv_in.", "decoder.mid_block."}));
  std::int64_t in = config.channels.back();
  const auto levels = static_cast<std::int64_t>(config.channels.size());
  for (std::int64_t i = 0; i < levels; ++i) {
    const std::int64_t out = config.channels[levels - 1 - i];
    const nn::Scope level = scope["decoder.up_blocks"][i];
    levels_.push_back({make_resnets(config, level, config.layers + 1, in, out), {}});
    if (i + 1 < levels) {
      levels_.back().up.emplace(level["upsamplers.0"], out);
    }
    const std::string name = fmt::format("decoder.up_blocks.{}.", i);
    blocks_.push_back(scope.block(name, {name}));
    in = out;
  }
  blocks_.push_back(scope.block("decoder.out", {"decoder.conv_norm_out.", "decoder.conv_out."}));
}

at::Tensor KlDecoder::unscale(const at::Tensor& latents) const {
  return latents / config_.scaling + config_.shift;
}

at::Tensor KlDecoder::operator()(const at::Tensor& latents, nn::Pass& pass) const {
  auto block = blocks_.begin();
  at::Tensor x;
  {
    const nn::InBlock inside(pass, *block++);
    x = mid_(conv_in_(post_quant_ ? (*post_quant_)(latents) : latents));
  }
  for (const Level& level : levels_) {
    const nn::InBlock inside(pass, *block++);
    for (const nn::ResnetBlock2D& layer : level.resnets) {
      x = layer(x);
    }
    if (level.up) {
      x = (*level.up)(x);
    }
  }
  const nn::InBlock inside(pass, *block);
  return conv_out_(at::silu(norm_out_(x)));
}

nn::LoadRules KlEncoder::load_rules() { return half_rules({"decoder.*", "post_quant_conv.*"}); }

KlEncoder::KlEncoder(const AutoencoderKlConfig& config, const nn::Scope& scope)
    : config_(config),
      conv_in_(scope["encoder.conv_in"], config.image_channels, config.channels.front(),
               kThreeByThree),
      mid_(config, scope["encoder.mid_block"]),
      norm_out_(scope["encoder.conv_norm_out"], config.groups, config.channels.back(), kNormEps),
      conv_out_(scope["encoder.conv_out"], config.channels.back(), 2 * config.latent_channels,
                kThreeByThree) {
  blocks_.push_back(scope.block("encoder.in", {"encoder.conv_in."}));
  std::int64_t in = config.channels.front();
  const auto levels = static_cast<std::int64_t>(config.channels.size());
  for (std::int64_t i = 0; i < levels; ++i) {
    const std::int64_t out = config.channels[i];
    const nn::Scope level = scope["encoder.down_blocks"][i];
    levels_.push_back({make_resnets(config, level, config.layers, in, out), {}});
    if (i + 1 < levels) {
      levels_.back().down.emplace(level["downsamplers.0"], out,
                                  nn::DownsamplePadding::right_and_below);
    }
    const std::string name = fmt::format("encoder.down_blocks.{}.", i);
    blocks_.push_back(scope.block(name, {name}));
    in = out;
  }
  if (config.quant_conv) {
    quant_.emplace(scope["quant_conv"], 2 * config.latent_channels, 2 * config.latent_channels,
                   kOneByOne);
  }
  blocks_.push_back(scope.block("encoder.out", {"encoder.mid_block.", "encoder.conv_norm_out.",
                                                "encoder.conv_out.", "quant_conv."}));
}

KlEncoder::Distribution KlEncoder::operator()(const at::Tensor& pictures, nn::Pass& pass) const {
  auto block = blocks_.begin();
  at::Tensor x;
  {
    const nn::InBlock inside(pass, *block++);
    x = conv_in_(pictures);
  }
  for (const Level& level : levels_) {
    const nn::InBlock inside(pass, *block++);
    for (const nn::ResnetBlock2D& layer : level.resnets) {
      x = layer(x);
    }
    if (level.down) {
      x = (*level.down)(x);
    }
  }
  const nn::InBlock inside(pass, *block);
  x = conv_out_(at::silu(norm_out_(mid_(x))));
  const std::vector<at::Tensor> parts = (quant_ ? (*quant_)(x) : x).chunk(2, 1);
  return {parts[0], parts[1].clamp(-30.0, 20.0)};
}

}  // namespace lode::models
