// Rotary position embedding over several axes of positions, as FLUX has it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

namespace lode::nn {

/// One angle for each pair of adjacent channels: cos and sin, float32 [S, D / 2].
struct RotaryTable {
  at::Tensor cos, sin;
};

/// Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021, one axis after
/// another: of an axis of width d, pair j turns by id * theta^(-2 j / d). Angles in float64,
/// rounded once (diffusers, models/embeddings.py get_1d_rotary_pos_embed). ids [S, axes], any type;
/// widths are even and D is their sum.
RotaryTable rotary_table(const at::Tensor& ids, std::span<const std::int64_t> axis_widths,
                         double theta);

/// (x0, x1) -> (x0 cos - x1 sin, x1 cos + x0 sin) for each pair of adjacent channels, in float32,
/// rounded to x's type. x [..., S, D].
at::Tensor apply_rotary(const at::Tensor& x, const RotaryTable& table);

}  // namespace lode::nn
