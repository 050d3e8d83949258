// Connected parts of a mask.
#pragma once

#include <vector>

#include "image/grey_image.h"

namespace lode::cutout {

/// From here on a pixel of a matte counts as subject.
inline constexpr std::uint8_t kSubject = 128;

enum class Connectivity { four, eight };

struct Part {
  std::size_t area = 0;     ///< pixels
  double x = 0, y = 0;      ///< the mean of its pixels
  bool is_at_edge = false;  ///< holds a pixel of the picture's outermost rows or columns
};

/// Labels count in the order of their first pixels, row by row.
struct Components {
  std::vector<int> labels;  ///< a pixel's part, 1..parts.size(), or 0
  std::vector<Part> parts;  ///< of label i at i - 1
};

/// The connected parts of the pixels that are non-zero in `mask`.
Components find_components(const image::GreyImage& mask, Connectivity connectivity);

/// 1 where `low <= alpha <= high`, else 0.
image::GreyImage between(const image::GreyImage& alpha, std::uint8_t low, std::uint8_t high);

/// Grows every label over neighbouring (8-connected) pixels that are non-zero in `mask` and have
/// none yet, all at the same pace.
void grow_labels(Components& components, const image::GreyImage& mask);

}  // namespace lode::cutout
