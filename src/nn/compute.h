// What networks compute in, as somebody asks for it. Without libtorch.
#pragma once

namespace lode::nn {

/// `automatic`: float32 on a processor, 16 bits on a GPU (compute_type, device.h).
enum class Compute { automatic, float32, bfloat16, float16 };

}  // namespace lode::nn
