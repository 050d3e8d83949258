#include "models/t5_encoder.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/log.h>
#include <ATen/ops/where.h>
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "models/config_internal.h"
#include "nn/attention.h"

namespace lode::models {

Result<T5Config> parse_t5_config(const nlohmann::ordered_json& json) {
  ConfigReader read(json);
  T5Config config;
  read.architecture({"T5EncoderModel"});
  config.vocabulary = read.integer("vocab_size", kVocabulary);
  config.width = read.integer("d_model", kWidth);
  config.layers = read.integer("num_layers", kLayers);
  config.heads = read.integer("num_heads", kHeads);
  config.head_width = read.integer("d_kv", kHeadWidth);
  config.inner_width = read.integer("d_ff", kWidth);
  // At least two exact buckets a direction; the logarithm needs a distance beyond the exact ones.
  config.buckets = read.integer_or("relative_attention_num_buckets", {8, 4096}, 32);
  config.max_distance = read.integer_or("relative_attention_max_distance", {2, 1 << 20}, 128);
  config.eps = read.number_or("layer_norm_epsilon", 1e-12, 1e-1, 1e-6);
  read.choice_or("feed_forward_proj", {"gated-gelu"}, "relu");
  read.support(json.is_object() && json.contains("feed_forward_proj"), "feed_forward_proj",
               "missing, gated-gelu expected");
  read.require(config.buckets % 4 == 0, "relative_attention_num_buckets",
               "has to be a multiple of 4");
  read.require(config.max_distance > config.buckets / 4, "relative_attention_max_distance",
               "has to exceed a quarter of relative_attention_num_buckets");
  LODE_CHECK(read.result());
  return config;
}

at::Tensor t5_buckets(const at::Tensor& relative, std::int64_t buckets, std::int64_t max_distance) {
  const std::int64_t half = buckets / 2;
  const std::int64_t exact = half / 2;
  const at::Tensor ahead = (relative > 0).to(at::kLong) * half;
  const at::Tensor distance = relative.abs();
  const double span = std::log(static_cast<double>(max_distance) / static_cast<double>(exact));
  const at::Tensor far =
      ((distance.to(at::kFloat) / exact).log() / span * (half - exact)).to(at::kLong) + exact;
  return ahead + at::where(distance < exact, distance, far.clamp_max(half - 1));
}

T5Encoder::Layer::Layer(const T5Config& config, const nn::Scope& scope)
    : norm1(scope["layer.0.layer_norm"], config.width, config.eps),
      norm2(scope["layer.1.layer_norm"], config.width, config.eps),
      q(scope["layer.0.SelfAttention.q"], config.width, config.heads * config.head_width,
        nn::Bias::none),
      k(scope["layer.0.SelfAttention.k"], config.width, config.heads * config.head_width,
        nn::Bias::none),
      v(scope["layer.0.SelfAttention.v"], config.width, config.heads * config.head_width,
        nn::Bias::none),
      o(scope["layer.0.SelfAttention.o"], config.heads * config.head_width, config.width,
        nn::Bias::none),
      feed_forward(scope["layer.1.DenseReluDense"], config.width, config.inner_width) {}

at::Tensor T5Encoder::Layer::operator()(const at::Tensor& x, const at::Tensor& bias,
                                        std::int64_t heads) const {
  const at::Tensor n = norm1(x);
  nn::AttentionOptions options;
  options.scale = 1.0;  // the weights were trained with it inside
  options.bias = bias;
  const at::Tensor attended =
      nn::attention(nn::split_heads(q(n), heads), nn::split_heads(k(n), heads),
                    nn::split_heads(v(n), heads), options);
  const at::Tensor y = x + o(nn::join_heads(attended));
  return y + feed_forward(norm2(y));
}

nn::LoadRules T5Encoder::load_rules() {
  nn::LoadRules rules;
  rules.ignore = {"encoder.embed_tokens.weight"};
  rules.aliases = [](std::string_view parameter) {
    return parameter == "shared.weight" ? std::vector<std::string>{"encoder.embed_tokens.weight"}
                                        : std::vector<std::string>();
  };
  return rules;
}

T5Encoder::T5Encoder(const T5Config& config, const nn::Scope& scope)
    : config_(config),
      shared_(scope["shared"], config.vocabulary, config.width),
      relative_bias_(scope["encoder.block.0.layer.0.SelfAttention.relative_attention_bias"],
                     config.buckets, config.heads),
      layers_([&] {
        std::vector<Layer> layers;
        for (std::int64_t i = 0; i < config.layers; ++i) {
          layers.emplace_back(config, scope["encoder.block"][i]);
        }
        return layers;
      }()),
      final_norm_(scope["encoder.final_layer_norm"], config.width, config.eps) {
  blocks_.push_back(scope.block("shared", {"shared."}));
  for (std::int64_t i = 0; i < config.layers; ++i) {
    const std::string name = fmt::format("encoder.block.{}.", i);
    blocks_.push_back(scope.block(name, {name}));
  }
  blocks_.push_back(scope.block("final_layer_norm", {"encoder.final_layer_norm."}));
}

at::Tensor T5Encoder::position_bias(std::int64_t length) const {
  const at::Tensor positions = at::arange(length, at::kLong);
  const at::Tensor buckets = t5_buckets(positions.unsqueeze(0) - positions.unsqueeze(1),
                                        config_.buckets, config_.max_distance);
  const at::Tensor bias = relative_bias_(buckets.to(relative_bias_.table().device()));
  return bias.permute({2, 0, 1}).unsqueeze(0).contiguous();
}

at::Tensor T5Encoder::operator()(const at::Tensor& ids, nn::Pass& pass) const {
  at::Tensor x;
  {
    const nn::InBlock block(pass, blocks_.front());
    x = shared_(ids);
  }
  at::Tensor bias;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const nn::InBlock block(pass, blocks_[i + 1]);
    if (i == 0) {
      bias = position_bias(ids.size(1));
    }
    x = layers_[i](x, bias, config_.heads);
  }
  const nn::InBlock block(pass, blocks_.back());
  return final_norm_(x);
}

}  // namespace lode::models
