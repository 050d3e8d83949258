// Configs: the published networks have the published numbers of parameters, and others are refused
// by the name of the field.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/autoencoder_kl.h"
#include "models/clip_text.h"
#include "models/clip_vision.h"
#include "models/convnext.h"
#include "models/dinov2.h"
#include "models/flow_match_euler.h"
#include "models/flux_transformer.h"
#include "models/lpips.h"
#include "models/open_clip_text.h"
#include "models/t5_encoder.h"
#include "models/test_configs.h"

namespace lode::models {
namespace {

Json clip_json() {
  return {{"architectures", {"CLIPTextModel"}},
          {"eos_token_id", 2},
          {"hidden_act", "quick_gelu"},
          {"hidden_size", 768},
          {"intermediate_size", 3072},
          {"layer_norm_eps", 1e-5},
          {"max_position_embeddings", 77},
          {"num_attention_heads", 12},
          {"num_hidden_layers", 12},
          {"vocab_size", 49408}};
}

Json t5_json() {
  return {{"architectures", {"T5EncoderModel"}},
          {"d_ff", 10240},
          {"d_kv", 64},
          {"d_model", 4096},
          {"feed_forward_proj", "gated-gelu"},
          {"layer_norm_epsilon", 1e-6},
          {"num_heads", 64},
          {"num_layers", 24},
          {"relative_attention_max_distance", 128},
          {"relative_attention_num_buckets", 32},
          {"vocab_size", 32128}};
}

Json flux_json() {
  return {{"_class_name", "FluxTransformer2DModel"},
          {"attention_head_dim", 128},
          {"guidance_embeds", false},
          {"in_channels", 64},
          {"joint_attention_dim", 4096},
          {"num_attention_heads", 24},
          {"num_layers", 19},
          {"num_single_layers", 38},
          {"patch_size", 1},
          {"pooled_projection_dim", 768}};
}

Json vae_json() {
  return {{"_class_name", "AutoencoderKL"},
          {"act_fn", "silu"},
          {"block_out_channels", {128, 256, 512, 512}},
          {"down_block_types", Json(4, "DownEncoderBlock2D")},
          {"in_channels", 3},
          {"latent_channels", 16},
          {"layers_per_block", 2},
          {"norm_num_groups", 32},
          {"out_channels", 3},
          {"scaling_factor", 0.3611},
          {"shift_factor", 0.1159},
          {"up_block_types", Json(4, "UpDecoderBlock2D")},
          {"use_post_quant_conv", false},
          {"use_quant_conv", false}};
}

Json scheduler_json() {
  return {{"_class_name", "FlowMatchEulerDiscreteScheduler"}, {"shift", 1.0}};
}

Json clip_model_json() {
  // As transformers writes ViT-L/14: what is its default is left out.
  return {{"architectures", {"CLIPModel"}},
          {"projection_dim", 768},
          {"text_config",
           {{"hidden_size", 768},
            {"intermediate_size", 3072},
            {"num_attention_heads", 12},
            {"eos_token_id", 2}}},
          {"vision_config",
           {{"hidden_size", 1024},
            {"intermediate_size", 4096},
            {"num_attention_heads", 16},
            {"num_hidden_layers", 24},
            {"patch_size", 14}}}};
}

Json dinov2_json() {
  return {{"architectures", {"Dinov2Model"}},
          {"hidden_act", "gelu"},
          {"hidden_size", 384},
          {"image_size", 518},
          {"layer_norm_eps", 1e-6},
          {"mlp_ratio", 4},
          {"num_attention_heads", 6},
          {"num_hidden_layers", 12},
          {"patch_size", 14},
          {"qkv_bias", true},
          {"use_swiglu_ffn", false}};
}

Json open_clip_json() {
  return {{"model_cfg",
           {{"embed_dim", 768},
            {"vision_cfg",
             {{"timm_model_name", "convnext_large"},
              {"timm_pool", ""},
              {"timm_proj", "mlp"},
              {"image_size", 256}}},
            {"text_cfg",
             {{"context_length", 77},
              {"vocab_size", 49408},
              {"width", 768},
              {"heads", 12},
              {"layers", 16}}}}}};
}

TEST(FullSize, ClipTextOfFlux) {
  EXPECT_EQ((size_by<ClipText>(parse_clip_text_config(clip_json()).value(), "clip_l_text.txt")),
            (Size{123'060'480, 196}));
}

TEST(FullSize, T5OfFlux) {
  EXPECT_EQ((size_by<T5Encoder>(parse_t5_config(t5_json()).value(), "t5_v1_1_xxl_encoder.txt")),
            (Size{4'762'310'656, 219}));
}

TEST(FullSize, FluxTransformerWithModulationsApart) {
  const auto config = parse_flux_transformer_config(flux_json()).value();
  nn::ParameterSet set;
  const FluxTransformer network(config, set.root());
  expect_names(set, "flux_transformer.txt");
  EXPECT_EQ(size_of(set, {&network.blocks(), &network.modulation_blocks()}),
            (Size{11'891'178'560, 1156}));
  std::int64_t modulations = 0;
  for (const nn::Block& block : network.modulation_blocks()) {
    modulations += block.count();
  }
  EXPECT_NEAR(static_cast<double>(modulations), 3.25e9, 0.05e9) << "what no step needs";
}

TEST(FullSize, FluxDevHasAGuidanceEmbedder) {
  Json json = flux_json();
  json["guidance_embeds"] = true;
  // Two linear layers, 256 -> 3072 -> 3072, with biases.
  EXPECT_EQ(parse_flux_transformer_config(json).value().guidance, true);
  nn::ParameterSet set;
  const FluxTransformer network(parse_flux_transformer_config(json).value(), set.root());
  EXPECT_EQ(set.count(), 11'891'178'560 + 256 * 3072 + 3072 * 3072 + 2 * 3072);
}

const std::vector<std::string> kVisionHalf = {"vision_model.", "visual_projection."};
const std::vector<std::string> kTextHalf = {"text_model.", "text_projection."};

TEST(FullSize, ClipOfOpenAi) {
  const auto large = parse_clip_config(clip_model_json()).value();
  // Without the one number that scales logits, which nothing here needs.
  EXPECT_EQ((size_by<ClipVision>(large.vision, "clip_vit_l_14.txt", kVisionHalf).parameters) +
                (size_by<ClipText>(large.text, "clip_vit_l_14.txt", kTextHalf).parameters),
            427'616'513 - 1);
  // ViT-B/32 is transformers' default throughout.
  const auto base = parse_clip_config({{"architectures", {"CLIPModel"}}}).value();
  EXPECT_EQ((size_by<ClipVision>(base.vision, "clip_vit_b_32.txt", kVisionHalf).parameters) +
                (size_by<ClipText>(base.text, "clip_vit_b_32.txt", kTextHalf).parameters),
            151'277'313 - 1);
}

TEST(FullSize, ImageHalfOfLlm2Clip) {
  Json json = clip_model_json();
  json["architectures"] = {"LLM2CLIPModel"};
  json["projection_dim"] = 1280;
  json["vision_config"]["image_size"] = 336;
  const auto config = parse_clip_vision_config(json).value();
  EXPECT_EQ((size_by<ClipVision>(config, "llm2clip_l_14_336_vision.txt", kVisionHalf)),
            (Size{304'818'176, 392}));
}

TEST(FullSize, OpenClipsConvNextLarge) {
  const auto text = parse_open_clip_config(open_clip_json()).value();
  const ConvNextConfig trunk{.widths = {192, 384, 768, 1536},
                             .depths = {3, 3, 27, 3},
                             .head_width = 1536,
                             .embedding = 768};
  const std::string list = "open_clip_convnext_large_d.txt";
  EXPECT_EQ((size_by<ConvNext>(trunk, list, {"visual."}).parameters) +
                (size_by<OpenClipText>(text, list,
                                       {"token_embedding.", "positional_embedding", "transformer.",
                                        "ln_final.", "text_projection"})
                     .parameters),
            351'772'609 - 1);
}

TEST(FullSize, Dinov2Small) {
  const auto config = parse_dinov2_config(dinov2_json()).value();
  EXPECT_EQ((size_by<Dinov2>(config, "dinov2_small.txt",
                             {"embeddings.cls", "embeddings.pos", "embeddings.patch", "encoder.",
                              "layernorm."})),
            (Size{22'056'576 - 384, 222}))
      << "all but the mask token";
}

TEST(FullSize, Lpips) {
  const LpipsConfig alex{LpipsTrunk::alexnet, {64, 192, 384, 256, 256}};
  const LpipsConfig vgg{LpipsTrunk::vgg16, {64, 128, 256, 512, 512}};
  EXPECT_EQ((size_by<LpipsFeatures>(alex, "alexnet_features.txt").parameters), 2'469'696);
  EXPECT_EQ((size_by<LpipsFeatures>(vgg, "vgg16_features.txt").parameters), 14'714'688);
  EXPECT_EQ((size_by<LpipsHead>(alex, "lpips_alex_lins.txt")), (Size{1152, 5}));
  EXPECT_EQ((size_by<LpipsHead>(vgg, "lpips_vgg_lins.txt")), (Size{1472, 5}));
}

const std::vector<std::string> kDecoder = {"decoder.", "post_quant_conv."};
const std::vector<std::string> kEncoder = {"encoder.", "quant_conv."};

TEST(FullSize, AutoencoderOfFlux) {
  const auto config = parse_autoencoder_kl_config(vae_json()).value();
  EXPECT_EQ(size_by<KlDecoder>(config, "flux_vae.txt", kDecoder).parameters, 49'545'475);
  EXPECT_EQ(size_by<KlEncoder>(config, "flux_vae.txt", kEncoder).parameters, 34'274'208);
}

TEST(FullSize, AutoencoderOfStableDiffusion) {
  Json json = vae_json();
  for (const char* field :
       {"scaling_factor", "shift_factor", "use_quant_conv", "use_post_quant_conv"}) {
    json.erase(field);
  }
  json["latent_channels"] = 4;
  const auto config = parse_autoencoder_kl_config(json).value();
  EXPECT_EQ(size_by<KlDecoder>(config, "sd_vae.txt", kDecoder).parameters +
                size_by<KlEncoder>(config, "sd_vae.txt", kEncoder).parameters,
            83'653'863);
}

TEST(Configs, ClipText) {
  expect_refusals(only_errors(parse_clip_text_config), clip_json(),
                  {{"architectures", {"BertModel"}, Errc::unsupported},
                   {"architectures", kMissing, Errc::invalid_input},
                   {"architectures", Json::array(), Errc::invalid_input},
                   {"hidden_act", "relu", Errc::unsupported},
                   {"hidden_size", kMissing, Errc::invalid_input},
                   {"hidden_size", 770, Errc::invalid_input},
                   {"hidden_size", 0, Errc::invalid_input},
                   {"hidden_size", 1e3, Errc::invalid_input},
                   {"num_hidden_layers", 100'000, Errc::invalid_input},
                   {"num_hidden_layers", 18446744073709551615U, Errc::invalid_input},
                   {"vocab_size", -1, Errc::invalid_input},
                   {"layer_norm_eps", "tiny", Errc::invalid_input}});
}

TEST(Configs, ClipVision) {
  Json json = clip_model_json()["vision_config"];
  json["architectures"] = {"CLIPVisionModelWithProjection"};
  expect_refusals(only_errors(parse_clip_vision_config), json,
                  {{"architectures", {"SiglipVisionModel"}, Errc::unsupported},
                   {"hidden_act", "relu", Errc::unsupported},
                   {"hidden_size", 1000, Errc::invalid_input},
                   {"patch_size", 15, Errc::invalid_input},
                   {"image_size", 0, Errc::invalid_input},
                   {"image_size", 1'000'000, Errc::invalid_input},
                   {"num_channels", 4, Errc::unsupported}});
}

TEST(Configs, HalvesOfAClipAreNamed) {
  Json json = clip_model_json();
  json["vision_config"]["patch_size"] = 13;
  EXPECT_THAT(parse_clip_config(json).error().context, testing::HasSubstr("vision_config"));
  json = clip_model_json();
  json["text_config"]["hidden_size"] = 770;
  EXPECT_THAT(parse_clip_config(json).error().context, testing::HasSubstr("text_config"));
  // Where older configs repeat a half, the repetition counts.
  json = clip_model_json();
  json["vision_config_dict"] = {{"patch_size", 16}};
  EXPECT_EQ(parse_clip_config(json).value().vision.patch, 16);
}

TEST(Configs, Dinov2) {
  expect_refusals(only_errors(parse_dinov2_config), dinov2_json(),
                  {{"architectures", {"Dinov2WithRegistersModel"}, Errc::unsupported},
                   {"use_swiglu_ffn", true, Errc::unsupported},
                   {"hidden_size", 385, Errc::invalid_input},
                   {"image_size", 13, Errc::invalid_input},
                   {"mlp_ratio", 100, Errc::invalid_input}});
}

TEST(Configs, OpenClip) {
  const auto refused = [](const char* part, const char* field, const Json& value) {
    Json json = open_clip_json();
    json["model_cfg"][part][field] = value;
    const auto config = parse_open_clip_config(json);
    EXPECT_FALSE(config) << field;
    return config ? std::string() : config.error().context;
  };
  using testing::HasSubstr;
  EXPECT_TRUE(parse_open_clip_config(open_clip_json()));
  EXPECT_THAT(refused("vision_cfg", "timm_model_name", "vit_base"), HasSubstr("timm_model_name"));
  EXPECT_THAT(refused("vision_cfg", "timm_proj", "linear"), HasSubstr("timm_proj"));
  EXPECT_THAT(refused("text_cfg", "heads", 7), HasSubstr("heads"));
  EXPECT_THAT(refused("text_cfg", "hf_model_name", "roberta"), HasSubstr("hf_model_name"));
  EXPECT_THAT(refused("text_cfg", "layers", 100'000), HasSubstr("layers"));
  for (const Json& other : {Json::array(), Json("text"), Json(nullptr), Json::object()}) {
    EXPECT_EQ(parse_open_clip_config(other).error().code, Errc::invalid_input) << other;
  }
}

TEST(Configs, T5) {
  expect_refusals(only_errors(parse_t5_config), t5_json(),
                  {{"architectures", {"T5ForConditionalGeneration"}, Errc::unsupported},
                   {"feed_forward_proj", "relu", Errc::unsupported},
                   {"feed_forward_proj", kMissing, Errc::unsupported},
                   {"relative_attention_num_buckets", 33, Errc::invalid_input},
                   {"relative_attention_max_distance", 8, Errc::invalid_input},
                   {"d_kv", kMissing, Errc::invalid_input},
                   {"d_ff", 1'000'000, Errc::invalid_input}});
}

TEST(Configs, FluxTransformer) {
  expect_refusals(only_errors(parse_flux_transformer_config), flux_json(),
                  {{"_class_name", "SD3Transformer2DModel", Errc::unsupported},
                   {"_class_name", kMissing, Errc::invalid_input},
                   {"patch_size", 2, Errc::unsupported},
                   {"axes_dims_rope", {16, 56, 58}, Errc::invalid_input},
                   {"axes_dims_rope", {17, 55, 56}, Errc::invalid_input},
                   {"axes_dims_rope", {64, 64}, Errc::invalid_input},
                   {"axes_dims_rope", {16, 56, "56"}, Errc::invalid_input},
                   {"in_channels", 63, Errc::invalid_input},
                   {"out_channels", 128, Errc::unsupported},
                   {"guidance_embeds", 1, Errc::invalid_input},
                   {"num_attention_heads", 257, Errc::invalid_input}});
}

TEST(Configs, Autoencoder) {
  expect_refusals(only_errors(parse_autoencoder_kl_config), vae_json(),
                  {{"_class_name", "AutoencoderTiny", Errc::unsupported},
                   {"act_fn", "mish", Errc::unsupported},
                   {"block_out_channels", {128, 256, 512, 500}, Errc::invalid_input},
                   {"block_out_channels", kMissing, Errc::invalid_input},
                   {"block_out_channels", Json::array(), Errc::invalid_input},
                   {"up_block_types", {"UpDecoderBlock2D"}, Errc::invalid_input},
                   {"down_block_types", Json(4, "AttnDownEncoderBlock2D"), Errc::unsupported},
                   {"latents_mean", {0.0}, Errc::unsupported},
                   {"scaling_factor", 0, Errc::invalid_input},
                   {"out_channels", 4, Errc::unsupported}});
}

TEST(Configs, Scheduler) {
  expect_refusals(only_errors(parse_flow_match_config), scheduler_json(),
                  {{"_class_name", "DDIMScheduler", Errc::unsupported},
                   {"shift", 0, Errc::invalid_input},
                   {"use_karras_sigmas", true, Errc::unsupported},
                   {"invert_sigmas", true, Errc::unsupported},
                   {"shift_terminal", 0.02, Errc::unsupported},
                   {"time_shift_type", "linear", Errc::unsupported},
                   {"max_image_seq_len", 256, Errc::invalid_input}});
}

TEST(Configs, SurviveEveryOddValueOfEveryField) {
  expect_own_parser_alone(
      {clip_json(), t5_json(), flux_json(), vae_json(), scheduler_json()}, [](const Json& json) {
        return static_cast<int>(parse_clip_text_config(json).has_value()) +
               parse_t5_config(json).has_value() + parse_flux_transformer_config(json).has_value() +
               parse_autoencoder_kl_config(json).has_value() +
               parse_flow_match_config(json).has_value();
      });
}

}  // namespace
}  // namespace lode::models
