// Between pictures and what the network takes and gives.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "image/grey_image.h"
#include "image/image.h"

namespace lode::birefnet {

struct Size {
  int width = 0, height = 0;
};

/// What a picture of that size is brought to: the square, or its own size as BirefnetOptions::side
/// says.
Size network_size(const Size& picture, const std::optional<int>& side);

/// Resized as Pillow does (bilinear), / 255, less ImageNet's mean, by its deviation: float32 [1, 3,
/// H, W]. Alpha is dropped.
at::Tensor to_network(const image::Image& picture, const Size& size);

/// 255 sigmoid of logits float32 [1, 1, H, W], truncated.
image::GreyImage from_network(const at::Tensor& logits);

}  // namespace lode::birefnet
