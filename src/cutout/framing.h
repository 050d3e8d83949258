// Puts a cut-out subject in the middle of a square, as large as the 3D stage wants it.
#pragma once

#include <optional>

#include "base/result.h"
#include "image/image.h"

namespace lode::cutout {

/// Pixels from left to right - 1 and from top to bottom - 1.
struct Box {
  int left = 0, top = 0, right = 0, bottom = 0;

  int width() const { return right - left; }
  int height() const { return bottom - top; }
  bool operator==(const Box&) const = default;
};

/// The box around pixels of alpha >= 8: fainter ones do not show, and a matte's haze would shrink
/// the subject. Nothing when there are none.
std::optional<Box> subject_box(const image::Image& rgba);

struct FrameOptions {
  int side = 512;      ///< of the square, in pixels; kLeastSide..kMostSide
  double ratio = 0.8;  ///< the subject's longer side, of the square's; above 0, at most 1.
                       ///< 0.8 is DreamGaussian's border_ratio of 0.2 (process.py)
  std::optional<image::Rgb> background;  ///< transparent without one
};
inline constexpr int kLeastSide = 16;
inline constexpr int kMostSide = 4096;  ///< of any network's or splat's input by far

/// The subject of an RGBA picture in the middle of a square of transparent pixels (RGBA) or of the
/// background (RGB). Colours are averaged by their alpha, so nothing of what is transparent bleeds
/// in. Errc::invalid_input when there is no subject or an option is out of its range.
Result<image::Image> frame_subject(const image::Image& rgba, const FrameOptions& options = {});

}  // namespace lode::cutout
