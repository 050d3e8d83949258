#include "models/clip_text.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/assert.h"
#include "models/config_internal.h"
#include "nn/attention.h"

namespace lode::models {

namespace {

// CLIPTextTransformer.forward: configs written before transformers 4.30 have this end of sequence,
// whatever the tokenizer's is.
constexpr std::int64_t kLegacyEos = 2;

at::Tensor split_heads(const at::Tensor& x, std::int64_t heads) {
  return x.view({x.size(0), x.size(1), heads, -1}).transpose(1, 2);
}

}  // namespace

Result<ClipTextConfig> parse_clip_text_config(const nlohmann::ordered_json& json) {
  ConfigReader read(json);
  ClipTextConfig config;
  const bool projected =
      read.architecture({"CLIPTextModel", "CLIPTextModelWithProjection"}) != "CLIPTextModel";
  config.vocabulary = read.integer("vocab_size", kVocabulary);
  config.width = read.integer("hidden_size", kWidth);
  config.layers = read.integer("num_hidden_layers", kLayers);
  config.heads = read.integer("num_attention_heads", kHeads);
  config.inner_width = read.integer("intermediate_size", kWidth);
  config.positions = read.integer_or("max_position_embeddings", kPositions, 77);
  config.eos_id = read.integer_or("eos_token_id", {0, kVocabulary.most}, 49407);
  config.eps = read.number_or("layer_norm_eps", 1e-12, 1e-1, 1e-5);
  config.quick_gelu =
      read.choice_or("hidden_act", {"quick_gelu", "gelu"}, "quick_gelu") == "quick_gelu";
  config.projection = projected ? read.integer_or("projection_dim", kWidth, 512) : 0;
  read.require(config.width % config.heads == 0, "hidden_size",
               "has to be a multiple of num_attention_heads");
  LODE_CHECK(read.result());
  return config;
}

ClipText::Layer::Layer(const ClipTextConfig& config, const nn::Scope& scope)
    : norm1(scope["layer_norm1"], config.width, config.eps),
      norm2(scope["layer_norm2"], config.width, config.eps),
      q(scope["self_attn.q_proj"], config.width, config.width),
      k(scope["self_attn.k_proj"], config.width, config.width),
      v(scope["self_attn.v_proj"], config.width, config.width),
      out(scope["self_attn.out_proj"], config.width, config.width),
      fc1(scope["mlp.fc1"], config.width, config.inner_width),
      fc2(scope["mlp.fc2"], config.inner_width, config.width) {}

at::Tensor ClipText::Layer::operator()(const at::Tensor& x, const ClipTextConfig& config) const {
  const at::Tensor n = norm1(x);
  nn::AttentionOptions causal;
  causal.causal = true;
  const at::Tensor attended =
      nn::attention(split_heads(q(n), config.heads), split_heads(k(n), config.heads),
                    split_heads(v(n), config.heads), causal);
  const at::Tensor y = x + out(attended.transpose(1, 2).reshape(x.sizes()));
  const at::Tensor inner = fc1(norm2(y));
  return y + fc2(config.quick_gelu ? nn::quick_gelu(inner) : nn::gelu(inner));
}

nn::LoadRules ClipText::load_rules() {
  nn::LoadRules rules;
  rules.ignore = {"*.position_ids"};
  return rules;
}

ClipText::ClipText(const ClipTextConfig& config, const nn::Scope& scope)
    : config_(config),
      tokens_(scope["text_model.embeddings.token_embedding"], config.vocabulary, config.width),
      positions_(scope["text_model.embeddings.position_embedding"], config.positions, config.width),
      layers_([&] {
        std::vector<Layer> layers;
        for (std::int64_t i = 0; i < config.layers; ++i) {
          layers.emplace_back(config, scope["text_model.encoder.layers"][i]);
        }
        return layers;
      }()),
      final_norm_(scope["text_model.final_layer_norm"], config.width, config.eps) {
  if (config.projection > 0) {
    projection_.emplace(scope["text_projection"], config.width, config.projection, nn::Bias::none);
  }
  blocks_.push_back(scope.block("embeddings", {"text_model.embeddings."}));
  for (std::int64_t i = 0; i < config.layers; ++i) {
    const std::string name = fmt::format("text_model.encoder.layers.{}.", i);
    blocks_.push_back(scope.block(name, {name}));
  }
  blocks_.push_back(scope.block("pooling", {"text_model.final_layer_norm.", "text_projection."}));
}

at::Tensor ClipText::pool(const at::Tensor& ids, const at::Tensor& hidden) const {
  // argmax promises no order among equals, hence the largest distance from the end.
  const at::Tensor matches =
      config_.eos_id == kLegacyEos ? ids == ids.amax(1, true) : ids == config_.eos_id;
  const std::int64_t length = ids.size(1);
  const at::Tensor from_end = at::arange(length, 0, -1, ids.options());
  const at::Tensor first = length - matches.to(at::kLong).mul_(from_end).amax(1);
  // No end at all counts as the first row, as argmax of all false does.
  const at::Tensor row = first.remainder(length);
  const at::Tensor picked =
      hidden.gather(1, row.view({-1, 1, 1}).expand({-1, 1, hidden.size(2)})).squeeze(1);
  return projection_ ? (*projection_)(picked) : picked;
}

ClipText::Output ClipText::operator()(const at::Tensor& ids, nn::Pass& pass) const {
  LODE_ASSERT(ids.dim() == 2 && ids.size(1) >= 1 && ids.size(1) <= config_.positions,
              "CLIP reads [B, T] ids");
  at::Tensor x;
  {
    const nn::InBlock block(pass, blocks_.front());
    x = tokens_(ids) + positions_.table().narrow(0, 0, ids.size(1));
  }
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const nn::InBlock block(pass, blocks_[i + 1]);
    x = layers_[i](x, config_);
  }
  const nn::InBlock block(pass, blocks_.back());
  x = final_norm_(x);
  return {x, pool(ids, x)};
}

}  // namespace lode::models
