#include "models/dinov2.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/upsample_bicubic2d.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/assert.h"
#include "models/clip_layer.h"
#include "models/config_internal.h"
#include "nn/attention.h"

namespace lode::models {

namespace {

constexpr Range kImageSide{1, 4096};

}  // namespace

Result<Dinov2Config> parse_dinov2_config(const nlohmann::ordered_json& json) {
  ConfigReader read(json);
  Dinov2Config config;
  read.architecture({"Dinov2Model", "Dinov2ForImageClassification"});
  config.width = read.integer_or("hidden_size", kWidth, 768);
  config.layers = read.integer_or("num_hidden_layers", kLayers, 12);
  config.heads = read.integer_or("num_attention_heads", kHeads, 12);
  config.inner_width = config.width * read.integer_or("mlp_ratio", {1, 16}, 4);
  config.patch = read.integer_or("patch_size", kImageSide, 14);
  config.image_size = read.integer_or("image_size", kImageSide, 224);
  config.eps = read.number_or("layer_norm_eps", 1e-12, 1e-1, 1e-6);
  config.qkv_bias = read.flag_or("qkv_bias", true);
  read.choice_or("hidden_act", {"gelu"}, "gelu");
  read.support(!read.flag_or("use_swiglu_ffn", false), "use_swiglu_ffn", "false expected");
  read.support(read.integer_or("num_channels", kChannels, 3) == 3, "num_channels", "3 expected");
  read.require(config.width % config.heads == 0, "hidden_size",
               "has to be a multiple of num_attention_heads");
  read.require(config.image_size >= config.patch, "image_size", "at least patch_size expected");
  LODE_CHECK(read.result());
  return config;
}

Dinov2::Layer::Layer(const Dinov2Config& config, const nn::Scope& scope)
    : norm1(scope["norm1"], config.width, config.eps),
      norm2(scope["norm2"], config.width, config.eps),
      q(scope["attention.attention.query"], config.width, config.width,
        config.qkv_bias ? nn::Bias::added : nn::Bias::none),
      k(scope["attention.attention.key"], config.width, config.width,
        config.qkv_bias ? nn::Bias::added : nn::Bias::none),
      v(scope["attention.attention.value"], config.width, config.width,
        config.qkv_bias ? nn::Bias::added : nn::Bias::none),
      out(scope["attention.output.dense"], config.width, config.width),
      fc1(scope["mlp.fc1"], config.width, config.inner_width),
      fc2(scope["mlp.fc2"], config.inner_width, config.width),
      scale1(&scope["layer_scale1"].add("lambda1", {config.width})),
      scale2(&scope["layer_scale2"].add("lambda1", {config.width})) {}

at::Tensor Dinov2::Layer::operator()(const at::Tensor& x, std::int64_t heads) const {
  const at::Tensor n = norm1(x);
  const at::Tensor attended = nn::attention(
      nn::split_heads(q(n), heads), nn::split_heads(k(n), heads), nn::split_heads(v(n), heads));
  const at::Tensor y = x + out(nn::join_heads(attended)) * scale1->value();
  return y + fc2(nn::gelu(fc1(norm2(y)))) * scale2->value();
}

nn::LoadRules Dinov2::load_rules() {
  nn::LoadRules rules;
  rules.ignore = {"*mask_token", "classifier.*", "score_head.*", "emb_head.*"};
  rules.aliases = [](std::string_view parameter) -> std::vector<std::string> {
    return {fmt::format("backbone.{}", parameter), fmt::format("dinov2.{}", parameter)};
  };
  return rules;
}

Dinov2::Dinov2(const Dinov2Config& config, const nn::Scope& scope)
    : config_(config),
      class_token_(&scope["embeddings"].add("cls_token", {1, 1, config.width})),
      positions_([&] {
        const std::int64_t side = config.image_size / config.patch;
        return &scope["embeddings"].add("position_embeddings", {1, side * side + 1, config.width});
      }()),
      patches_(scope["embeddings.patch_embeddings.projection"], 3, config.width,
               {.kernel = config.patch, .stride = config.patch, .padding = 0}),
      layers_([&] {
        std::vector<Layer> layers;
        for (std::int64_t i = 0; i < config.layers; ++i) {
          layers.emplace_back(config, scope["encoder.layer"][i]);
        }
        return layers;
      }()),
      norm_(scope["layernorm"], config.width, config.eps) {
  blocks_.push_back(scope.block("embeddings", {"embeddings."}));
  for (std::int64_t i = 0; i < config.layers; ++i) {
    const std::string name = fmt::format("encoder.layer.{}.", i);
    blocks_.push_back(scope.block(name, {name}));
  }
  blocks_.push_back(scope.block("layernorm", {"layernorm."}));
}

at::Tensor Dinov2::positions(std::int64_t rows, std::int64_t columns) const {
  const at::Tensor& all = positions_->value();
  const std::int64_t side = config_.image_size / config_.patch;
  if (rows == side && columns == side) {
    return all;
  }
  const at::Tensor grid =
      all.narrow(1, 1, side * side).reshape({1, side, side, -1}).permute({0, 3, 1, 2});
  const at::Tensor resized = at::upsample_bicubic2d(grid.to(at::kFloat), {rows, columns}, false)
                                 .to(all.scalar_type())
                                 .permute({0, 2, 3, 1})
                                 .reshape({1, rows * columns, -1});
  return at::cat({all.narrow(1, 0, 1), resized}, 1);
}

at::Tensor Dinov2::operator()(const at::Tensor& pixels, nn::Pass& pass) const {
  LODE_ASSERT(
      pixels.dim() == 4 && pixels.size(2) >= config_.patch && pixels.size(3) >= config_.patch,
      "DINOv2 sees at least one patch");
  at::Tensor x;
  {
    const nn::InBlock block(pass, blocks_.front());
    const at::Tensor patches = patches_(pixels);
    x = at::cat({class_token_->value().expand({pixels.size(0), 1, -1}),
                 patches.flatten(2).transpose(1, 2)},
                1) +
        positions(patches.size(2), patches.size(3));
  }
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const nn::InBlock block(pass, blocks_[i + 1]);
    x = layers_[i](x, config_.heads);
  }
  const nn::InBlock block(pass, blocks_.back());
  return norm_(x);
}

nn::LoadRules QualityHead::load_rules() {
  nn::LoadRules rules;
  rules.ignore = {"backbone.*", "emb_head.*"};
  return rules;
}

QualityHead::QualityHead(std::int64_t width, const nn::Scope& scope)
    : score_(scope["score_head"], width, 1) {
  blocks_.push_back(scope.block("score_head", {"score_head."}));
}

at::Tensor QualityHead::operator()(const at::Tensor& features, nn::Pass& pass) const {
  const nn::InBlock block(pass, blocks_.front());
  return at::sigmoid(score_(features).squeeze(1));
}

}  // namespace lode::models
