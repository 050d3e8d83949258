#include "models/flux_transformer.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <numeric>
#include <string>

#include "base/assert.h"
#include "models/config_internal.h"
#include "nn/attention.h"
#include "nn/timestep.h"

namespace lode::models {

namespace {

constexpr double kNormEps = 1e-6;           // of every norm in this network
constexpr double kTheta = 10000;            // of the rotary embedding
constexpr std::int64_t kTimeWidth = 256;    // of the sinusoids
constexpr float kTrainTimesteps = 1000.0F;  // the transformer's own factor, whatever the schedule's
constexpr std::int64_t kFeedForwardFactor = 4;

// Part `index` of `parts` that lie side by side in the last dimension: [B, n * D] -> [B, 1, D].
at::Tensor part(const at::Tensor& modulation, std::int64_t index, std::int64_t parts) {
  return modulation.chunk(parts, -1)[static_cast<std::size_t>(index)].unsqueeze(1);
}

at::Tensor modulated_norm(const at::Tensor& x, const at::Tensor& shift, const at::Tensor& scale) {
  return nn::layer_norm(x, kNormEps).mul_(scale + 1).add_(shift);
}

// [B, T, H * D] -> [B, T, H, D], where norms of queries and keys act.
at::Tensor by_head(const at::Tensor& x, std::int64_t heads) {
  return x.view({x.size(0), x.size(1), heads, -1});
}

// Of [B, T, H, D] each -> [B, T, H * D].
at::Tensor attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                  const nn::RotaryTable& rotary) {
  const at::Tensor attended =
      nn::attention(nn::apply_rotary(q.transpose(1, 2), rotary),
                    nn::apply_rotary(k.transpose(1, 2), rotary), v.transpose(1, 2));
  return nn::join_heads(attended);
}

template <class Block>
std::vector<Block> make_blocks(const FluxTransformerConfig& config, std::int64_t count,
                               const nn::Scope& scope) {
  std::vector<Block> blocks;
  for (std::int64_t i = 0; i < count; ++i) {
    blocks.emplace_back(config, scope[i]);
  }
  return blocks;
}

}  // namespace

Result<FluxTransformerConfig> parse_flux_transformer_config(const nlohmann::ordered_json& json) {
  ConfigReader read(json);
  FluxTransformerConfig config;
  read.expect_class("FluxTransformer2DModel");
  read.support(read.integer_or("patch_size", kWidth, 1) == 1, "patch_size", "1 expected");
  config.in_channels = read.integer("in_channels", kChannels);
  config.out_channels = read.integer_or("out_channels", kChannels, config.in_channels);
  config.double_layers = read.integer("num_layers", kLayers);
  config.single_layers = read.integer("num_single_layers", kLayers);
  config.heads = read.integer("num_attention_heads", kHeads);
  config.head_width = read.integer("attention_head_dim", kHeadWidth);
  config.text_width = read.integer("joint_attention_dim", kWidth);
  config.pooled_width = read.integer("pooled_projection_dim", kWidth);
  config.guidance = read.flag_or("guidance_embeds", false);
  config.axes_widths = read.integers_or("axes_dims_rope", {3, 3}, kHeadWidth, {16, 56, 56});
  std::int64_t turned = 0;
  for (const std::int64_t width : config.axes_widths) {
    read.require(width % 2 == 0, "axes_dims_rope", "even widths expected");
    turned += width;
  }
  read.require(turned == config.head_width, "axes_dims_rope",
               "the sum has to be attention_head_dim");
  read.require(config.width() <= kWidth.most, "num_attention_heads",
               fmt::format("times attention_head_dim is beyond {}", kWidth.most));
  read.require(config.in_channels % 4 == 0, "in_channels",
               "a multiple of 4 expected: 2x2 latents are one position");
  read.support(config.out_channels == config.in_channels, "out_channels", "in_channels expected");
  LODE_CHECK(read.result());
  return config;
}

FluxModulations FluxModulations::to(at::Device device) const {
  FluxModulations moved = *this;
  for (std::vector<at::Tensor>* list : {&moved.image, &moved.text, &moved.single}) {
    for (at::Tensor& tensor : *list) {
      tensor = tensor.to(device);
    }
  }
  moved.out = moved.out.to(device);
  return moved;
}

nn::RotaryTable flux_rotary(const FluxTransformerConfig& config, std::int64_t text_length,
                            std::int64_t rows, std::int64_t columns) {
  const at::Tensor grid = at::zeros({rows, columns, 3}, at::kLong);
  grid.select(2, 1).copy_(at::arange(rows, at::kLong).unsqueeze(1).expand({rows, columns}));
  grid.select(2, 2).copy_(at::arange(columns, at::kLong).unsqueeze(0).expand({rows, columns}));
  const at::Tensor text = at::zeros({text_length, 3}, at::kLong);
  return nn::rotary_table(at::cat({text, grid.view({rows * columns, 3})}), config.axes_widths,
                          kTheta);
}

FluxTransformer::DoubleBlock::DoubleBlock(const FluxTransformerConfig& config,
                                          const nn::Scope& scope)
    : heads(config.heads),
      norm1(scope["norm1.linear"], config.width(), 6 * config.width()),
      norm1_context(scope["norm1_context.linear"], config.width(), 6 * config.width()),
      to_q(scope["attn.to_q"], config.width(), config.width()),
      to_k(scope["attn.to_k"], config.width(), config.width()),
      to_v(scope["attn.to_v"], config.width(), config.width()),
      add_q(scope["attn.add_q_proj"], config.width(), config.width()),
      add_k(scope["attn.add_k_proj"], config.width(), config.width()),
      add_v(scope["attn.add_v_proj"], config.width(), config.width()),
      to_out(scope["attn.to_out.0"], config.width(), config.width()),
      to_add_out(scope["attn.to_add_out"], config.width(), config.width()),
      norm_q(scope["attn.norm_q"], config.head_width, kNormEps),
      norm_k(scope["attn.norm_k"], config.head_width, kNormEps),
      norm_added_q(scope["attn.norm_added_q"], config.head_width, kNormEps),
      norm_added_k(scope["attn.norm_added_k"], config.head_width, kNormEps),
      ff(scope["ff"], config.width(), kFeedForwardFactor * config.width(),
         nn::Activation::gelu_tanh),
      ff_context(scope["ff_context"], config.width(), kFeedForwardFactor * config.width(),
                 nn::Activation::gelu_tanh) {}

void FluxTransformer::DoubleBlock::operator()(Stream& image, Stream& text,
                                              const nn::RotaryTable& rotary) const {
  // Parts of a modulation: shift, scale, gate of attention, then of the feed-forward layer.
  const auto normed = [](const Stream& stream, std::int64_t first) {
    return modulated_norm(stream.x, part(stream.modulation, first, 6),
                          part(stream.modulation, first + 1, 6));
  };
  at::Tensor attended;
  {
    const at::Tensor i = normed(image, 0);
    const at::Tensor t = normed(text, 0);
    const at::Tensor q =
        at::cat({norm_added_q(by_head(add_q(t), heads)), norm_q(by_head(to_q(i), heads))}, 1);
    const at::Tensor k =
        at::cat({norm_added_k(by_head(add_k(t), heads)), norm_k(by_head(to_k(i), heads))}, 1);
    const at::Tensor v = at::cat({by_head(add_v(t), heads), by_head(to_v(i), heads)}, 1);
    attended = attend(q, k, v, rotary);
  }
  const std::int64_t text_length = text.x.size(1);
  const auto finish = [&](Stream& stream, const at::Tensor& update,
                          const nn::FeedForward& feed_forward) {
    stream.x = stream.x + part(stream.modulation, 2, 6) * update;
    stream.x = stream.x + part(stream.modulation, 5, 6) * feed_forward(normed(stream, 3));
  };
  finish(image, to_out(attended.slice(1, text_length)), ff);
  finish(text, to_add_out(attended.slice(1, 0, text_length)), ff_context);
}

FluxTransformer::SingleBlock::SingleBlock(const FluxTransformerConfig& config,
                                          const nn::Scope& scope)
    : heads(config.heads),
      norm(scope["norm.linear"], config.width(), 3 * config.width()),
      to_q(scope["attn.to_q"], config.width(), config.width()),
      to_k(scope["attn.to_k"], config.width(), config.width()),
      to_v(scope["attn.to_v"], config.width(), config.width()),
      proj_mlp(scope["proj_mlp"], config.width(), kFeedForwardFactor * config.width()),
      proj_out(scope["proj_out"], (kFeedForwardFactor + 1) * config.width(), config.width()),
      norm_q(scope["attn.norm_q"], config.head_width, kNormEps),
      norm_k(scope["attn.norm_k"], config.head_width, kNormEps) {}

at::Tensor FluxTransformer::SingleBlock::operator()(const at::Tensor& x,
                                                    const at::Tensor& modulation,
                                                    const nn::RotaryTable& rotary) const {
  // Parts of the modulation: shift, scale, gate.
  const at::Tensor n = modulated_norm(x, part(modulation, 0, 3), part(modulation, 1, 3));
  const at::Tensor attended =
      attend(norm_q(by_head(to_q(n), heads)), norm_k(by_head(to_k(n), heads)),
             by_head(to_v(n), heads), rotary);
  const at::Tensor joined = at::cat({attended, nn::gelu_tanh(proj_mlp(n))}, -1);
  return x + part(modulation, 2, 3) * proj_out(joined);
}

FluxTransformer::FluxTransformer(const FluxTransformerConfig& config, const nn::Scope& scope)
    : config_(config),
      timestep_embedder_(scope.exact()["time_text_embed.timestep_embedder"], kTimeWidth,
                         config.width()),
      text_embedder_(scope.exact()["time_text_embed.text_embedder"], config.pooled_width,
                     config.width()),
      x_embedder_(scope.exact()["x_embedder"], config.in_channels, config.width()),
      context_embedder_(scope.exact()["context_embedder"], config.text_width, config.width()),
      double_blocks_(
          make_blocks<DoubleBlock>(config, config.double_layers, scope["transformer_blocks"])),
      single_blocks_(make_blocks<SingleBlock>(config, config.single_layers,
                                              scope["single_transformer_blocks"])),
      norm_out_(scope.exact()["norm_out.linear"], config.width(), 2 * config.width()),
      proj_out_(scope.exact()["proj_out"], config.width(), config.out_channels) {
  if (config.guidance) {
    guidance_embedder_.emplace(scope.exact()["time_text_embed.guidance_embedder"], kTimeWidth,
                               config.width());
  }
  list_blocks(scope);
}

void FluxTransformer::list_blocks(const nn::Scope& scope) {
  modulation_blocks_.push_back(scope.block("time_text_embed", {"time_text_embed."}));
  blocks_.push_back(scope.block("embedders", {"x_embedder.", "context_embedder."}));
  for (std::int64_t i = 0; i < config_.double_layers; ++i) {
    const std::string name = fmt::format("transformer_blocks.{}.", i);
    const std::string norm = name + "norm1.";
    const std::string norm_context = name + "norm1_context.";
    modulation_blocks_.push_back(scope.block(name + "norm1", {norm, norm_context}));
    blocks_.push_back(scope.block(name, {name}, {norm, norm_context}));
  }
  for (std::int64_t i = 0; i < config_.single_layers; ++i) {
    const std::string name = fmt::format("single_transformer_blocks.{}.", i);
    const std::string norm = name + "norm.";
    modulation_blocks_.push_back(scope.block(name + "norm", {norm}));
    blocks_.push_back(scope.block(name, {name}, {norm}));
  }
  modulation_blocks_.push_back(scope.block("norm_out", {"norm_out."}));
  blocks_.push_back(scope.block("proj_out", {"proj_out."}));
}

at::Tensor FluxTransformer::embed_conditions(const FluxConditions& conditions) const {
  const auto type = conditions.pooled.scalar_type();
  const auto options = conditions.pooled.options();
  const auto sinusoids = [&](const at::Tensor& t) {
    nn::TimestepOptions wanted;
    wanted.width = kTimeWidth;
    return nn::timestep_embedding(t.to(at::kFloat), wanted).to(type);
  };
  // pipeline_flux.py divides by 1000 and transformer_flux.py multiplies again, each rounding.
  const at::Tensor t = at::tensor(conditions.timesteps, at::kFloat).to(options);
  at::Tensor temb = timestep_embedder_(sinusoids(t / kTrainTimesteps * kTrainTimesteps));
  if (guidance_embedder_) {
    const at::Tensor guidance = at::full({1}, conditions.guidance, at::kFloat).to(options);
    temb = temb + (*guidance_embedder_)(sinusoids(guidance * kTrainTimesteps));
  }
  return temb.unsqueeze(1) + text_embedder_(conditions.pooled).unsqueeze(0);
}

FluxModulations FluxTransformer::compute_modulations(const FluxConditions& conditions,
                                                     nn::Pass& pass) const {
  auto block = modulation_blocks_.begin();
  at::Tensor activated;  // [steps, B, width]
  {
    const nn::InBlock inside(pass, *block++);
    activated = at::silu(embed_conditions(conditions));
  }
  FluxModulations modulations;
  for (const DoubleBlock& layer : double_blocks_) {
    const nn::InBlock inside(pass, *block++);
    modulations.image.push_back(layer.norm1(activated));
    modulations.text.push_back(layer.norm1_context(activated));
  }
  for (const SingleBlock& layer : single_blocks_) {
    const nn::InBlock inside(pass, *block++);
    modulations.single.push_back(layer.norm(activated));
  }
  const nn::InBlock inside(pass, *block);
  modulations.out = norm_out_(activated);
  return modulations;
}

at::Tensor FluxTransformer::operator()(const FluxInput& input, const FluxModulations& modulations,
                                       std::int64_t step, nn::Pass& pass) const {
  LODE_ASSERT(input.rotary.cos.size(0) == input.text.size(1) + input.latents.size(1),
              "FLUX wants a rotary row for each position");
  auto block = blocks_.begin();
  Stream image;
  Stream text;
  {
    const nn::InBlock inside(pass, *block++);
    image.x = x_embedder_(input.latents);
    text.x = context_embedder_(input.text);
  }
  for (std::size_t i = 0; i < double_blocks_.size(); ++i) {
    const nn::InBlock inside(pass, *block++);
    image.modulation = modulations.image[i][step];
    text.modulation = modulations.text[i][step];
    double_blocks_[i](image, text, input.rotary);
  }
  at::Tensor x = at::cat({text.x, image.x}, 1);
  for (std::size_t i = 0; i < single_blocks_.size(); ++i) {
    const nn::InBlock inside(pass, *block++);
    x = single_blocks_[i](x, modulations.single[i][step], input.rotary);
  }
  const nn::InBlock inside(pass, *block);
  // Here, and only here, the scale comes before the shift (AdaLayerNormContinuous).
  const at::Tensor out = modulations.out[step];
  return proj_out_(
      modulated_norm(x.slice(1, input.text.size(1)), part(out, 1, 2), part(out, 0, 2)));
}

at::Tensor flux_pack(const at::Tensor& latents) {
  const std::int64_t batch = latents.size(0);
  const std::int64_t channels = latents.size(1);
  const std::int64_t rows = latents.size(2) / 2;
  const std::int64_t columns = latents.size(3) / 2;
  return latents.reshape({batch, channels, rows, 2, columns, 2})
      .permute({0, 2, 4, 1, 3, 5})
      .reshape({batch, rows * columns, channels * 4});
}

at::Tensor flux_unpack(const at::Tensor& packed, std::int64_t rows, std::int64_t columns) {
  const std::int64_t batch = packed.size(0);
  const std::int64_t channels = packed.size(2) / 4;
  return packed.reshape({batch, rows, columns, channels, 2, 2})
      .permute({0, 3, 1, 4, 2, 5})
      .reshape({batch, channels, rows * 2, columns * 2});
}

}  // namespace lode::models
