// Pillow's Image.resize on 8-bit pictures, bit for bit: what networks' preprocessing was trained
// on.
#pragma once

#include "image/grey_image.h"
#include "image/image.h"

namespace lode::image {

/// Pillow's resampling filters; the support (half-width, in source pixels when enlarging) grows
/// with the reduction, which makes them antialiased.
enum class PilFilter {
  box,       ///< support 0.5
  bilinear,  ///< triangle, support 1
  bicubic,   ///< Keys' cubic with a = -0.5, support 2
  lanczos    ///< sinc(x) sinc(x/3), support 3
};

/// Pillow's `resize((width, height), filter)`: rows first, then columns, each rounded to 8 bits,
/// with weights in fixed point of 22 bits (src/libImaging/Resample.c). An RGBA picture goes through
/// premultiplied colours and back, as Pillow's does. Sizes must be positive; the same size comes
/// back unchanged. Pillow 13 runs the columns first for some shapes; this is Pillow up to 12, which
/// the networks were trained behind.
Image pil_resize(const Image& image, int width, int height, PilFilter filter);
GreyImage pil_resize(const GreyImage& image, int width, int height, PilFilter filter);

}  // namespace lode::image
