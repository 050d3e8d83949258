// The sinusoidal embedding of a diffusion step.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace lode::nn {

struct TimestepOptions {
  std::int64_t width = 0;
  bool cos_first = true;  ///< diffusers' flip_sin_to_cos: [cos | sin], else [sin | cos]
  double downscale_frequency_shift = 0;  ///< of FLUX and Stable Diffusion; the paper's is 1
  double scale = 1;                      ///< of the angles
  double max_period = 10000;
};

/// Half of the width each of cos and sin of scale * t * max_period^(-k / (width / 2 - shift)), in
/// float32; an odd width ends in a zero (diffusers, models/embeddings.py get_timestep_embedding).
/// t [B] -> float32 [B, width].
at::Tensor timestep_embedding(const at::Tensor& t, const TimestepOptions& options);

}  // namespace lode::nn
