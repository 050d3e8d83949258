// What a deformable convolution multiplies its weights with: the picture's bilinear samples.
#pragma once

#include <cstdint>

namespace lode::nn {

/// Some pixels of one picture. The convolution has stride 1 and pads by half its kernel.
struct DeformSamples {
  const float* x = nullptr;  ///< [height, width, channels]
  std::int64_t height = 0, width = 0, channels = 0;
  std::int64_t kernel = 1;  ///< odd
  /// Of pixel p: 2 kernel^2 numbers at offset + p offset_stride, for each tap its way down and
  /// right.
  const float* offset = nullptr;
  std::int64_t offset_stride = 0;
  /// Of pixel p: kernel^2 factors at mask + p mask_stride.
  const float* mask = nullptr;
  std::int64_t mask_stride = 0;
};

/// Pixels [first, end) -> columns [end - first, kernel^2, channels]. By the best instruction set
/// that this machine has.
void sample_deformed(const DeformSamples& from, std::int64_t first, std::int64_t end,
                     float* columns);

}  // namespace lode::nn
