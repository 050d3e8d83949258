#include <fmt/format.h>

#include "flux/parts_internal.h"

namespace lode::flux {

namespace {

// T5 tokens per prompt: black-forest-labs/flux, src/flux/cli.py.
constexpr std::int64_t kSchnellTokens = 256;
constexpr std::int64_t kDevTokens = 512;

// nn::attention's tile of float32 scores with its temporaries.
constexpr std::uint64_t kAttentionBytes = 32 << 20;

Error disagreement(std::string_view first, std::int64_t a, std::string_view second,
                   std::int64_t b) {
  return fail(
      Errc::invalid_input,
      fmt::format("the parts do not fit each other: {} is {}, {} is {}", first, a, second, b));
}

}  // namespace

Result<void> check_pipeline(const std::filesystem::path& folder) {
  return models::check_pipeline_class(folder, "FLUX.1", {"FluxPipeline"});
}

Result<models::FlowMatchConfig> read_schedule(const std::filesystem::path& folder) {
  return models::read_config(folder / "scheduler" / "scheduler_config.json",
                             models::parse_flow_match_config);
}

Result<void> check_agreement(const models::ClipTextConfig& clip, const models::T5Config& t5,
                             const models::FluxTransformerConfig& transformer,
                             const models::AutoencoderKlConfig& decoder) {
  const std::int64_t pooled = clip.projection > 0 ? clip.projection : clip.width;
  if (pooled != transformer.pooled_width) {
    return disagreement("text_encoder's hidden_size", pooled, "transformer's pooled_projection_dim",
                        transformer.pooled_width);
  }
  if (t5.width != transformer.text_width) {
    return disagreement("text_encoder_2's d_model", t5.width, "transformer's joint_attention_dim",
                        transformer.text_width);
  }
  if (4 * decoder.latent_channels != transformer.in_channels) {
    return disagreement("four times vae's latent_channels", 4 * decoder.latent_channels,
                        "transformer's in_channels", transformer.in_channels);
  }
  if (decoder.image_channels != 3) {
    return disagreement("vae's out_channels", decoder.image_channels, "a picture's", 3);
  }
  return {};
}

std::int64_t text_length(const models::FluxTransformerConfig& config) {
  return config.guidance ? kDevTokens : kSchnellTokens;
}

std::uint64_t clip_activations(const models::ClipTextConfig& config, const Extent& extent) {
  return static_cast<std::uint64_t>(config.positions * (8 * config.width + 2 * config.inner_width) *
                                    extent.element_bytes) +
         kAttentionBytes;
}

std::uint64_t t5_activations(const models::T5Config& config, std::int64_t length,
                             const Extent& extent) {
  const std::int64_t projected = config.heads * config.head_width;
  const std::int64_t tokens = length * (6 * config.width + 4 * projected + 3 * config.inner_width);
  return static_cast<std::uint64_t>((tokens + config.heads * length * length) *
                                    extent.element_bytes) +
         kAttentionBytes;
}

std::uint64_t transformer_activations(const models::FluxTransformerConfig& config,
                                      std::int64_t reduction, const Extent& extent) {
  // A single block at its widest: x, n, attention's result, two of four times the width for the
  // feed-forward layer, five times joined; and queries and keys in float32 while they turn.
  constexpr std::int64_t kWidths = 24;
  const std::int64_t side = 2 * reduction;
  const std::int64_t tokens = (extent.width / side) * (extent.height / side) + text_length(config);
  return static_cast<std::uint64_t>(extent.pictures * tokens * config.width() * kWidths *
                                    extent.element_bytes) +
         kAttentionBytes;
}

std::uint64_t decoder_activations(const models::AutoencoderKlConfig& config, std::int64_t pixels,
                                  const Extent& extent) {
  // The finest level's first block: its input, the norm of it, and the convolution's result and
  // temporary.
  const std::int64_t finest = config.channels.front();
  const std::int64_t entering = config.channels.size() > 1 ? config.channels[1] : finest;
  return static_cast<std::uint64_t>((2 * entering + 2 * finest) * pixels * extent.element_bytes) +
         kAttentionBytes;
}

nn::Placement placement_of(Part part, nn::Placement placement) {
  if (part == Part::clip || part == Part::decoder) {
    placement.format = nn::WeightFormat::native;
  }
  return placement;
}

}  // namespace lode::flux
