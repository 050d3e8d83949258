// How FLUX is to run, and what of it fits where.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "nn/compute.h"
#include "nn/turn_plan.h"

namespace lode::flux {

/// What networks compute in. `automatic`: float32 on a processor, bfloat16 on a GPU. float16 is
/// refused: T5's activations leave its range.
using nn::Compute;

/// How the large matrices of T5 and of the transformer are held; fp8 needs libtorch 2.1.
enum class Format { native, int8, fp8 };

struct FluxOptions {
  std::string device = "auto";  ///< "cpu", "cuda", "cuda:1", or "auto": the first GPU, else "cpu"
  Compute compute = Compute::automatic;
  Format format = Format::native;
  /// Most bytes of weights and activations on the device; nothing: all that it has. Activations are
  /// estimated, so leave a tenth.
  std::optional<std::uint64_t> memory_budget_bytes;
  /// Side in pixels of the tiles that are decoded one by one; 0 lets picture and budget decide. A
  /// picture that is no larger is decoded as a whole.
  int decode_tile = 0;
  /// Prompts whose embeddings are kept, 2 MB each in bfloat16; the least recently used goes first.
  std::size_t cached_prompts = 32;
};

/// Largest sides of a picture and of `decode_tile`: FLUX.1 was trained up to about two megapixels.
inline constexpr int kMaxSide = 2048;
inline constexpr int kMinTile = 64;

/// Most pictures of one request, whose activations exist at once.
inline constexpr int kMaxPictures = 16;

/// The networks in the order of their work.
enum class Part : std::size_t { clip, t5, transformer, decoder };
inline constexpr std::size_t kParts = 4;

/// The part's folder: "text_encoder", "text_encoder_2", "transformer", "vae".
std::string_view to_string(Part part);

/// What weights and activations a request needs, for the plan.
struct FluxDemand {
  std::array<nn::WeightBytes, kParts> weights;
  std::array<std::uint64_t, kParts> activation_bytes{};  ///< of each part's forward pass
  std::uint64_t tiled_decoder_bytes = 0;                 ///< instead, where tiles are decoded
};

/// Who keeps weights on the device for how long.
struct FluxPlan {
  std::array<nn::Turn, kParts> parts;
  bool tiled_decoder = false;
};

/// Everything stays if everything fits; else the transformer alone does, if no other part has to
/// stream its weights for that; else each part has the budget to itself and goes when it is done.
/// The decoder works in tiles where the whole picture's activations do not fit, or are beyond
/// kUntiledDecoderBytes. Errc::out_of_resource names the least budget that would do.
Result<FluxPlan> plan_flux(const FluxDemand& demand, std::optional<std::uint64_t> budget_bytes);

/// A picture of 1024 x 1024 in float32 takes 3.2 GB to decode as a whole.
inline constexpr std::uint64_t kUntiledDecoderBytes = 4'000'000'000;

}  // namespace lode::flux
