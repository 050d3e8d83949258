// How a model that guides is to run, and what such models are together.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dream/guidance.h"
#include "nn/compute.h"

namespace lode::guidance {

/// What networks compute in. `automatic`: float32 on a processor, bfloat16 on a GPU. Latents, noise
/// and derivatives by latents are float32 in any case; the references have float16 throughout.
using nn::Compute;

/// How a derivative by latents becomes one by pixels.
enum class PixelGradient {
  exact,  ///< through the autoencoder's encoder, as the references have it
  linear  ///< through the linear map that is nearest to it (linear_encoder.h): colours, not detail
};

/// Of all models.
struct Options {
  std::string device = "auto";  ///< "cpu", "cuda", "cuda:1", or "auto": the first GPU, else "cpu"
  Compute compute = Compute::automatic;
  /// Most bytes of weights and activations on the device; nothing: all that it has. Activations are
  /// estimated, so leave a tenth.
  std::optional<std::uint64_t> memory_budget_bytes;
  /// Of libtorch, in the whole process, from the first question on; 0 leaves them alone.
  int threads = 0;
  PixelGradient pixel_gradient = PixelGradient::exact;
  /// Whether the time step falls with the schedule (DreamTime; the references' anneal_timestep) or
  /// is drawn anew each time.
  bool anneal = true;
};

/// A model that guides and draws, with one set of weights.
class MultiViewModel : public dream::GuidanceModel, public dream::ViewSampler {
 public:
  std::string_view name() const override = 0;
  bool needs_picture() const override = 0;
};

}  // namespace lode::guidance
