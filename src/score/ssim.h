// Structural similarity of two pictures, as the validators' engine computes it with torchmetrics.
#pragma once

#include <span>
#include <vector>

#include "image/image.h"

namespace lode::score {

/// A picture as planes of floats: [3, height, width], red, green, blue, nominally 0..1.
struct Planes {
  int width = 0;
  int height = 0;
  std::vector<float> values;
};

/// The RGB bytes divided by 255, as the engine does; an alpha channel is left out.
Planes to_planes(const image::Image& image);

/// The smallest side of a picture that has an SSIM: reflection by 5 samples needs 6.
inline constexpr int kMinSsimSide = 6;

/// torchmetrics 1.5.1, StructuralSimilarityIndexMeasure(data_range=1.0): Gaussian window of sigma
/// 1.5 and 2*int(3.5*1.5 + 0.5) + 1 = 11 taps over the picture continued by reflection (the border
/// sample is not repeated), variances cut at 0, k1 = 0.01, k2 = 0.03, the plain mean over all
/// pixels of all three channels. Nothing is cropped: 1.5.1 crops for multi-scale SSIM alone.
/// Float32 windows, sums in double. 1 for equal pictures, -1 at the least.
/// Errc::invalid_input when the sizes differ or a side is under kMinSsimSide.
Result<double> ssim(const Planes& a, const Planes& b);

/// SSIM of every picture with the next, the last with the first: one value a picture, as the engine
/// compares neighbouring views. Each picture's own windows are computed once, which is nearly half
/// the work of as many calls of ssim() with the same results. Errors as ssim(), and for fewer than
/// two pictures.
Result<std::vector<double>> neighbour_ssim(std::span<const image::Image> views);

}  // namespace lode::score
