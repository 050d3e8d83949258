#include "models/clip_vision.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/assert.h"
#include "models/config_internal.h"

namespace lode::models {

namespace {

using Json = nlohmann::ordered_json;

constexpr Range kImageSide{1, 4096};

/// One half of a CLIPModel's config. Configs written before transformers 4.26 hold it twice, the
/// second then counting (CLIPConfig.__init__).
Json half_of(const Json& json, const std::string& name) {
  Json half = Json::object();
  for (const std::string& key : {name + "_config", name + "_config_dict"}) {
    const auto found = json.is_object() ? json.find(key) : json.end();
    if (json.is_object() && found != json.end() && found->is_object()) {
      half.update(*found);
    }
  }
  return half;
}

void read_vision(ConfigReader& read, ClipVisionConfig& config) {
  config.image_size = read.integer_or("image_size", kImageSide, 224);
  config.patch = read.integer_or("patch_size", kImageSide, 32);
  config.layers = read.integer_or("num_hidden_layers", kLayers, 12);
  config.layer.width = read.integer_or("hidden_size", kWidth, 768);
  config.layer.heads = read.integer_or("num_attention_heads", kHeads, 12);
  config.layer.inner_width = read.integer_or("intermediate_size", kWidth, 3072);
  config.layer.eps = read.number_or("layer_norm_eps", 1e-12, 1e-1, 1e-5);
  config.layer.quick_gelu =
      read.choice_or("hidden_act", {"quick_gelu", "gelu"}, "quick_gelu") == "quick_gelu";
  read.support(read.integer_or("num_channels", kChannels, 3) == 3, "num_channels", "3 expected");
  read.require(config.image_size % config.patch == 0, "image_size",
               "has to be a multiple of patch_size");
  read.require(config.layer.width % config.layer.heads == 0, "hidden_size",
               "has to be a multiple of num_attention_heads");
}

}  // namespace

Result<ClipVisionConfig> parse_clip_vision_config(const Json& json) {
  ConfigReader read(json);
  ClipVisionConfig config;
  const std::string architecture = read.architecture(
      {"CLIPVisionModelWithProjection", "CLIPVisionModel", "CLIPModel", "LLM2CLIPModel"});
  if (architecture != "CLIPVisionModel") {
    config.projection = read.integer_or("projection_dim", kWidth, 512);
  }
  if (architecture == "CLIPModel" || architecture == "LLM2CLIPModel") {
    LODE_CHECK(read.result());
    const Json half = half_of(json, "vision");
    ConfigReader inner(half);
    read_vision(inner, config);
    if (const Result<void> result = inner.result(); !result) {
      return annotate(result.error(), "vision_config");
    }
    return config;
  }
  read_vision(read, config);
  LODE_CHECK(read.result());
  return config;
}

Result<ClipConfig> parse_clip_config(const Json& json) {
  ConfigReader read(json);
  read.architecture({"CLIPModel"});
  LODE_CHECK(read.result());
  ClipConfig config;
  LODE_TRY(config.vision, parse_clip_vision_config(json));
  Json half = half_of(json, "text");
  // Half a config leaves out what is transformers' default, and says nothing of the architecture.
  const Json defaults = {{"vocab_size", 49408},
                         {"hidden_size", 512},
                         {"num_hidden_layers", 12},
                         {"num_attention_heads", 8},
                         {"intermediate_size", 2048}};
  for (const auto& [key, value] : defaults.items()) {
    if (!half.contains(key)) {
      half[key] = value;
    }
  }
  half["architectures"] = Json::array({"CLIPTextModelWithProjection"});
  half["projection_dim"] = config.vision.projection;
  auto text = parse_clip_text_config(half);
  if (!text) {
    return annotate(text.error(), "text_config");
  }
  config.text = *text;
  return config;
}

nn::LoadRules ClipVision::load_rules() {
  nn::LoadRules rules;
  rules.ignore = {"*.position_ids", "text_*", "logit_scale"};
  return rules;
}

ClipVision::ClipVision(const ClipVisionConfig& config, const nn::Scope& scope)
    : config_(config),
      class_token_(&scope["vision_model.embeddings"].add("class_embedding", {config.layer.width})),
      patches_(
          scope["vision_model.embeddings.patch_embedding"], 3, config.layer.width,
          {.kernel = config.patch, .stride = config.patch, .padding = 0, .bias = nn::Bias::none}),
      positions_(scope["vision_model.embeddings.position_embedding"], config.tokens(),
                 config.layer.width),
      pre_norm_(scope["vision_model.pre_layrnorm"], config.layer.width, config.layer.eps),
      layers_([&] {
        std::vector<ClipLayer> layers;
        for (std::int64_t i = 0; i < config.layers; ++i) {
          layers.emplace_back(config.layer, scope["vision_model.encoder.layers"][i]);
        }
        return layers;
      }()),
      post_norm_(scope["vision_model.post_layernorm"], config.layer.width, config.layer.eps) {
  if (config.projection > 0) {
    projection_.emplace(scope["visual_projection"], config.layer.width, config.projection,
                        nn::Bias::none);
  }
  blocks_.push_back(
      scope.block("vision embeddings", {"vision_model.embeddings.", "vision_model.pre_layrnorm."}));
  for (std::int64_t i = 0; i < config.layers; ++i) {
    const std::string name = fmt::format("vision_model.encoder.layers.{}.", i);
    blocks_.push_back(scope.block(name, {name}));
  }
  blocks_.push_back(
      scope.block("vision pooling", {"vision_model.post_layernorm.", "visual_projection."}));
}

ClipVision::Output ClipVision::operator()(const at::Tensor& pixels, nn::Pass& pass) const {
  LODE_ASSERT(pixels.dim() == 4 && pixels.size(2) == config_.image_size &&
                  pixels.size(3) == config_.image_size,
              "CLIP sees pictures of one size");
  at::Tensor x;
  {
    const nn::InBlock block(pass, blocks_.front());
    const at::Tensor patches = patches_(pixels).flatten(2).transpose(1, 2);
    x = at::cat({class_token_->value().expand({pixels.size(0), 1, -1}), patches}, 1);
    x = pre_norm_(x + positions_.table());
  }
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const nn::InBlock block(pass, blocks_[i + 1]);
    x = layers_[i](x, false);
  }
  const nn::InBlock block(pass, blocks_.back());
  const at::Tensor pooled = post_norm_(x.select(1, 0));
  return {x, projection_ ? (*projection_)(pooled) : pooled};
}

}  // namespace lode::models
