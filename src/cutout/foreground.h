// The subject's own colours at its soft edges, so that no halo of the old background stays.
#pragma once

#include "image/grey_image.h"
#include "image/image.h"

namespace lode::cutout {

/// Side of the blurring window in pixels in the first and the second pass, as BiRefNet's users run
/// the method.
struct ForegroundOptions {
  int coarse = 90;
  int fine = 6;
};

/// Blur fusion (Forte: "Approximate Fast Foreground Colour Estimation", ICIP 2021): with image I,
/// matte a, and estimates F, B that begin as I, each pass blurs
///   F' = blur(F a) / blur(a)        B' = blur(B (1-a)) / blur(1-a)
///   F  = F' + a (I - a F' - (1-a) B')    cut off to 0..1, B = B'
/// Returns RGBA: F with the matte as alpha; where the matte is 255 exactly the picture's colour.
/// The matte must be of the picture's size.
image::Image estimate_foreground(const image::Image& picture, const image::GreyImage& alpha,
                                 const ForegroundOptions& options = {});

}  // namespace lode::cutout
