// The networks of a FLUX folder, described by their configs and bound to their weight files.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/result.h"
#include "flux/options.h"
#include "models/autoencoder_kl.h"
#include "models/clip_text.h"
#include "models/flow_match_euler.h"
#include "models/flux_transformer.h"
#include "models/folder.h"
#include "models/t5_encoder.h"
#include "nn/memory_plan.h"

namespace lode::flux {

/// model_index.json has to be a FLUX pipeline's.
Result<void> check_pipeline(const std::filesystem::path& folder);

/// scheduler/scheduler_config.json.
Result<models::FlowMatchConfig> read_schedule(const std::filesystem::path& folder);

/// The first width in which these do not fit each other, naming config fields.
Result<void> check_agreement(const models::ClipTextConfig& clip, const models::T5Config& t5,
                             const models::FluxTransformerConfig& transformer,
                             const models::AutoencoderKlConfig& decoder);

/// Tokens of the sequence encoder: what schnell was distilled with, and twice that for dev.
std::int64_t text_length(const models::FluxTransformerConfig& config);

/// What a request is made of, for estimates.
struct Extent {
  std::int64_t width = 0, height = 0;  // pixels
  std::int64_t pictures = 1;
  std::int64_t element_bytes = 2;  // of the type that is computed in
  std::int64_t tile = 512;         // pixels
};

// Bytes that a forward pass needs besides weights: the tensors of [tokens, width] or
// [channels, pixels] that are alive at once where that is the most.
std::uint64_t clip_activations(const models::ClipTextConfig& config, const Extent& extent);
std::uint64_t t5_activations(const models::T5Config& config, std::int64_t length,
                             const Extent& extent);
std::uint64_t transformer_activations(const models::FluxTransformerConfig& config,
                                      std::int64_t reduction, const Extent& extent);
std::uint64_t decoder_activations(const models::AutoencoderKlConfig& config, std::int64_t pixels,
                                  const Extent& extent);

/// Who is held how: CLIP and the decoder are small and stay as they are computed.
nn::Placement placement_of(Part part, nn::Placement placement);

}  // namespace lode::flux
