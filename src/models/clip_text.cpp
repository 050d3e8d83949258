#include "models/clip_text.h"

#include <ATen/TensorOperators.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/assert.h"
#include "models/config_internal.h"

namespace lode::models {

namespace {

// CLIPTextTransformer.forward: configs written before transformers 4.30 have this end of sequence,
// whatever the tokenizer's is.
constexpr std::int64_t kLegacyEos = 2;

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

nn::LoadRules ClipText::load_rules() {
  nn::LoadRules rules;
  rules.ignore = {"*.position_ids", "vision_model.*", "visual_projection.*", "logit_scale"};
  return rules;
}

ClipText::ClipText(const ClipTextConfig& config, const nn::Scope& scope)
    : config_(config),
      tokens_(scope["text_model.embeddings.token_embedding"], config.vocabulary, config.width),
      positions_(scope["text_model.embeddings.position_embedding"], config.positions, config.width),
      layers_([&] {
        std::vector<ClipLayer> layers;
        for (std::int64_t i = 0; i < config.layers; ++i) {
          layers.emplace_back(ClipLayerConfig{config.width, config.heads, config.inner_width,
                                              config.eps, config.quick_gelu},
                              scope["text_model.encoder.layers"][i]);
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
  const at::Tensor matches =
      config_.eos_id == kLegacyEos ? ids == ids.amax(1, true) : ids == config_.eos_id;
  const at::Tensor picked = first_matching_row(hidden, matches);
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
    x = layers_[i](x, true);
  }
  const nn::InBlock block(pass, blocks_.back());
  x = final_norm_(x);
  return {x, pool(ids, x)};
}

}  // namespace lode::models
