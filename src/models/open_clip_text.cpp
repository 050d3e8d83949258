#include "models/open_clip_text.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/assert.h"
#include "models/clip_layer.h"
#include "models/config_internal.h"
#include "nn/attention.h"

namespace lode::models {

namespace {

using Json = nlohmann::ordered_json;

constexpr double kNormEps = 1e-5;      // torch's default, which open_clip keeps
constexpr std::int64_t kMlpRatio = 4;  // open_clip's default, of every convnext model

Json member(const Json& json, const char* name) {
  return json.is_object() && json.contains(name) ? json[name] : Json(nullptr);
}

/// What of the vision tower has to be as ConvNext computes it; its sizes are read off the weights.
Result<void> check_vision(const Json& vision) {
  ConfigReader read(vision);
  LODE_CHECK(read.result());
  const Json name = member(vision, "timm_model_name");
  read.support(name.is_string() && name.get<std::string>().starts_with("convnext_") &&
                   name != "convnext_xxlarge",
               "timm_model_name", "convnext_base or convnext_large expected");
  read.choice_or("timm_proj", {"mlp"}, "linear");
  read.support(member(vision, "timm_proj") == "mlp", "timm_proj", "mlp expected");
  read.choice_or("timm_pool", {"", "avg"}, "avg");
  return read.result();
}

}  // namespace

Result<OpenClipTextConfig> parse_open_clip_config(const Json& json) {
  const Json model = member(json, "model_cfg");
  ConfigReader outer(model);
  if (!outer.result()) {
    return fail(Errc::invalid_input, "model_cfg: an object expected, as open_clip writes it");
  }
  OpenClipTextConfig config;
  config.embedding = outer.integer("embed_dim", kWidth);
  outer.support(!outer.flag_or("quick_gelu", false), "quick_gelu", "false expected");
  LODE_CHECK(outer.result());
  if (const Result<void> vision = check_vision(member(model, "vision_cfg")); !vision) {
    return annotate(vision.error(), "vision_cfg");
  }
  const Json text = member(model, "text_cfg");
  ConfigReader read(text);
  config.vocabulary = read.integer_or("vocab_size", kVocabulary, 49408);
  config.width = read.integer("width", kWidth);
  config.layers = read.integer("layers", kLayers);
  config.heads = read.integer("heads", kHeads);
  config.positions = read.integer_or("context_length", kPositions, 77);
  for (const char* field : {"hf_model_name", "hf_tokenizer_name"}) {
    read.support(member(text, field).is_null(), field, "only open_clip's own text tower is known");
  }
  read.require(config.width % config.heads == 0, "width", "has to be a multiple of heads");
  if (!read.result()) {
    return annotate(read.result().error(), "text_cfg");
  }
  return config;
}

OpenClipText::Layer::Layer(const OpenClipTextConfig& config, const nn::Scope& scope)
    : norm1(scope["ln_1"], config.width, kNormEps),
      norm2(scope["ln_2"], config.width, kNormEps),
      in_weight(&scope["attn"].add("in_proj_weight", {3 * config.width, config.width})),
      in_bias(&scope["attn"].add("in_proj_bias", {3 * config.width})),
      out(scope["attn.out_proj"], config.width, config.width),
      fc1(scope["mlp.c_fc"], config.width, kMlpRatio * config.width),
      fc2(scope["mlp.c_proj"], kMlpRatio * config.width, config.width) {}

at::Tensor OpenClipText::Layer::operator()(const at::Tensor& x, std::int64_t heads) const {
  const std::vector<at::Tensor> qkv =
      at::linear(norm1(x), in_weight->value(), in_bias->value()).chunk(3, -1);
  nn::AttentionOptions causal;
  causal.causal = true;
  const at::Tensor attended =
      nn::attention(nn::split_heads(qkv[0], heads), nn::split_heads(qkv[1], heads),
                    nn::split_heads(qkv[2], heads), causal);
  const at::Tensor y = x + out(nn::join_heads(attended));
  return y + fc2(nn::gelu(fc1(norm2(y))));
}

nn::LoadRules OpenClipText::load_rules() {
  nn::LoadRules rules;
  rules.ignore = {"visual.*", "logit_scale", "attn_mask"};
  return rules;
}

OpenClipText::OpenClipText(const OpenClipTextConfig& config, const nn::Scope& scope)
    : config_(config),
      tokens_(scope["token_embedding"], config.vocabulary, config.width),
      positions_(&scope.add("positional_embedding", {config.positions, config.width})),
      layers_([&] {
        std::vector<Layer> layers;
        for (std::int64_t i = 0; i < config.layers; ++i) {
          layers.emplace_back(config, scope["transformer.resblocks"][i]);
        }
        return layers;
      }()),
      final_norm_(scope["ln_final"], config.width, kNormEps),
      projection_(&scope.add("text_projection", {config.width, config.embedding})) {
  blocks_.push_back(scope.block("embeddings", {"token_embedding.", "positional_embedding"}));
  for (std::int64_t i = 0; i < config.layers; ++i) {
    const std::string name = fmt::format("transformer.resblocks.{}.", i);
    blocks_.push_back(scope.block(name, {name}));
  }
  blocks_.push_back(scope.block("pooling", {"ln_final.", "text_projection"}));
}

at::Tensor OpenClipText::operator()(const at::Tensor& ids, nn::Pass& pass) const {
  LODE_ASSERT(ids.dim() == 2 && ids.size(1) >= 1 && ids.size(1) <= config_.positions,
              "open_clip reads [B, T] ids");
  at::Tensor x;
  {
    const nn::InBlock block(pass, blocks_.front());
    x = tokens_(ids) + positions_->value().narrow(0, 0, ids.size(1));
  }
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const nn::InBlock block(pass, blocks_[i + 1]);
    x = layers_[i](x, config_.heads);
  }
  const nn::InBlock block(pass, blocks_.back());
  const at::Tensor end = first_matching_row(final_norm_(x), ids == ids.amax(1, true));
  return at::matmul(end, projection_->value());
}

}  // namespace lode::models
