// FLUX.1's transformer, as diffusers names and computes it (FluxTransformer2DModel).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "nn/blocks.h"
#include "nn/layers.h"
#include "nn/loader.h"
#include "nn/pass.h"
#include "nn/rope.h"

namespace lode::models {

/// transformer/config.json.
struct FluxTransformerConfig {
  std::int64_t in_channels = 0;   ///< of a packed latent: 4 times the autoencoder's
  std::int64_t out_channels = 0;  ///< the same
  std::int64_t double_layers = 0;
  std::int64_t single_layers = 0;
  std::int64_t heads = 0;
  std::int64_t head_width = 0;
  std::int64_t text_width = 0;            ///< of the sequence encoder (T5)
  std::int64_t pooled_width = 0;          ///< of the pooled encoder (CLIP)
  bool guidance = false;                  ///< "dev": distilled to take a guidance scale
  std::vector<std::int64_t> axes_widths;  ///< of the rotary embedding; their sum is head_width

  std::int64_t width() const { return heads * head_width; }
};

/// Errc::unsupported for another class or a patch size but 1, Errc::invalid_input for sizes that
/// are missing, out of bounds or do not agree; errors name the field.
Result<FluxTransformerConfig> parse_flux_transformer_config(const nlohmann::ordered_json& json);

/// What the prompt and the noise levels mean to each layer: shifts, scales and gates of adaptive
/// norms. The layers that make these hold more than a quarter of the parameters, and depend on
/// nothing that changes between steps.
struct FluxModulations {
  // [steps, B, n * width]; n = 6 for each stream of a double block, 3 for a single block, 2 at the
  // end.
  std::vector<at::Tensor> image, text, single;
  at::Tensor out;

  /// The same on another device.
  FluxModulations to(at::Device device) const;
};

/// What modulations depend on.
struct FluxConditions {
  std::vector<float> timesteps;  ///< of each step, 0..1000
  at::Tensor pooled;             ///< [B, pooled_width], in the type of computation
  float guidance = 3.5F;         ///< for configs with guidance
};

/// One forward pass.
struct FluxInput {
  at::Tensor latents;      ///< [B, S, in_channels], packed
  at::Tensor text;         ///< [B, L, text_width]
  nn::RotaryTable rotary;  ///< of L + S positions, text first: flux_rotary
};

/// The rotary table for `text_length` text positions, which do not turn, and a grid of packed
/// latents, row-major, on the CPU.
nn::RotaryTable flux_rotary(const FluxTransformerConfig& config, std::int64_t text_length,
                            std::int64_t rows, std::int64_t columns);

/// The embedders, the last norm and the last projection are small and everything passes through
/// them: their matrices are never quantised.
class FluxTransformer {
 public:
  FluxTransformer(const FluxTransformerConfig& config, const nn::Scope& scope);

  /// For all steps at once, visiting modulation_blocks() on pooled's device. In the type of
  /// `conditions.pooled`, with the reference's roundings: in bfloat16 the timestep 750 is 752.
  FluxModulations compute_modulations(const FluxConditions& conditions, nn::Pass& pass) const;

  /// The velocity [B, S, out_channels] at a step of `modulations`, visiting blocks(). All tensors
  /// are on one device and but for `rotary` of one type.
  at::Tensor operator()(const FluxInput& input, const FluxModulations& modulations,
                        std::int64_t step, nn::Pass& pass) const;

  static nn::LoadRules load_rules() { return {}; }

  /// What compute_modulations visits, in order.
  const std::vector<nn::Block>& modulation_blocks() const { return modulation_blocks_; }
  /// What each step visits, in order; disjoint from modulation_blocks().
  const std::vector<nn::Block>& blocks() const { return blocks_; }
  const FluxTransformerConfig& config() const { return config_; }

 private:
  /// One stream's part of a double block.
  struct Stream {
    at::Tensor x;           // [B, T, width]
    at::Tensor modulation;  // [B, 6 * width]
  };
  struct DoubleBlock {
    DoubleBlock(const FluxTransformerConfig& config, const nn::Scope& scope);
    void operator()(Stream& image, Stream& text, const nn::RotaryTable& rotary) const;

    std::int64_t heads;
    nn::Linear norm1, norm1_context;
    nn::Linear to_q, to_k, to_v, add_q, add_k, add_v, to_out, to_add_out;
    nn::RmsNorm norm_q, norm_k, norm_added_q, norm_added_k;
    nn::FeedForward ff, ff_context;
  };
  struct SingleBlock {
    SingleBlock(const FluxTransformerConfig& config, const nn::Scope& scope);
    at::Tensor operator()(const at::Tensor& x, const at::Tensor& modulation,
                          const nn::RotaryTable& rotary) const;

    std::int64_t heads;
    nn::Linear norm;
    nn::Linear to_q, to_k, to_v, proj_mlp, proj_out;
    nn::RmsNorm norm_q, norm_k;
  };

  void list_blocks(const nn::Scope& scope);
  at::Tensor embed_conditions(const FluxConditions& conditions) const;

  FluxTransformerConfig config_;
  nn::EmbeddingMlp timestep_embedder_, text_embedder_;
  std::optional<nn::EmbeddingMlp> guidance_embedder_;
  nn::Linear x_embedder_, context_embedder_;
  std::vector<DoubleBlock> double_blocks_;
  std::vector<SingleBlock> single_blocks_;
  nn::Linear norm_out_, proj_out_;
  std::vector<nn::Block> modulation_blocks_, blocks_;
};

/// Latents [B, C, H, W] with even sides to [B, H/2 * W/2, 4 C]: 2x2 patches in row-major order,
/// feature c * 4 + y * 2 + x.
at::Tensor flux_pack(const at::Tensor& latents);
/// The inverse, for a grid of rows x columns patches.
at::Tensor flux_unpack(const at::Tensor& packed, std::int64_t rows, std::int64_t columns);

}  // namespace lode::models
