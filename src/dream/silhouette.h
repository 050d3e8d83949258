// A picture that a model drew over white, taken off its ground.
#pragma once

#include <string>

#include "base/result.h"
#include "image/image.h"

namespace lode::dream {

/// A subject without the white behind it, and how it was told apart.
struct Silhouette {
  image::Image picture;  ///< RGBA; soft at the edges, the white taken out of the colours there
  double coverage = 0;   ///< the subject's share of the picture, 0..1
  image::Rgb ground{};   ///< what the background's colour was taken to be
};

/// Tells the subject from a plain light ground: the border's median colour, within the border's own
/// spread, as far as it reaches from the border; enclosed areas of that same colour are holes when
/// they are large (cutout::CleanOptions). Models' white is not quite white, and noisy. A picture
/// with an alpha channel in use keeps it. Errc::invalid_input, with the reason, when nothing or
/// everything is subject, when it runs out of every side of the picture, when it is crumbs, or when
/// the ground is not plain and light.
Result<Silhouette> take_off_white(const image::Image& picture);

}  // namespace lode::dream
