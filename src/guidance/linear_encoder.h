// The linear map that is nearest to an autoencoder's encoder.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace lode::guidance {

/// Latents from the mean colour of their patch: latent = matrix (2 colour - 1) + offset. Stable
/// Diffusion's latents are known to be near to that (the 4x3 maps with which previews are drawn);
/// here it is fitted to the encoder at hand, so that no constants are needed.
struct LinearEncoder {
  at::Tensor matrix;     ///< [C, 3], float32
  at::Tensor offset;     ///< [C]
  double explained = 0;  ///< the share of the latents' variance, of the pictures of the fit

  /// pictures [B, 3, H, W], 0..1, of any size -> [B, C, rows, columns], differentiable. Colours are
  /// means under a triangle of twice a patch's width.
  at::Tensor operator()(const at::Tensor& pictures, std::int64_t rows, std::int64_t columns) const;
};

/// By least squares over smooth random pictures, always the same. `encode` maps [1, 3, side, side]
/// in float32 on the CPU, 0..1, to latents [1, C, h, w], float32 on the CPU.
LinearEncoder fit_linear_encoder(const std::function<at::Tensor(const at::Tensor&)>& encode,
                                 std::int64_t side);

}  // namespace lode::guidance
