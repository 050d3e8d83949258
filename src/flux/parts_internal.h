// The networks of a FLUX folder, described by their configs and bound to their weight files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "flux/options.h"
#include "models/autoencoder_kl.h"
#include "models/clip_text.h"
#include "models/flow_match_euler.h"
#include "models/flux_transformer.h"
#include "models/t5_encoder.h"
#include "nn/loader.h"
#include "weights/checkpoint.h"

namespace lode::flux {

/// Largest config file that is read; real ones are below 2 KB.
inline constexpr std::size_t kMaxConfigBytes = 1 << 20;

/// Errors name the file.
Result<nlohmann::ordered_json> read_config(const std::filesystem::path& file);

/// A network without weights.
template <class Network>
struct Described {
  nn::ParameterSet set;
  Network network;
};

/// `parse`d config.json of `folder`.
template <class Network, class Config>
Result<Described<Network>> describe(const std::filesystem::path& folder,
                                    Result<Config> (*parse)(const nlohmann::ordered_json&)) {
  const std::filesystem::path file = folder / "config.json";
  LODE_TRY(const nlohmann::ordered_json json, read_config(file));
  const Result<Config> config = parse(json);
  if (!config) {
    return annotate(config.error(), file.string());
  }
  nn::ParameterSet set;
  Network network(*config, set.root());
  return Described<Network>{std::move(set), std::move(network)};
}

/// The weights of a described network; `described` must outlive them.
template <class Network>
Result<nn::WeightBank> bind(Described<Network>& described, const std::filesystem::path& folder) {
  LODE_TRY(const weights::Checkpoint checkpoint, weights::Checkpoint::open(folder));
  return nn::WeightBank::bind(described.set, checkpoint, Network::load_rules());
}

/// Checks model_index.json.
Result<void> check_pipeline_class(const std::filesystem::path& folder);

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

/// All bytes of blocks, and of the largest.
FluxDemand::Weights weights_of(const std::vector<nn::Block>& blocks,
                               const nn::Placement& placement);

/// Who is held how: CLIP and the decoder are small and stay as they are computed.
nn::Placement placement_of(Part part, nn::Placement placement);

}  // namespace lode::flux
