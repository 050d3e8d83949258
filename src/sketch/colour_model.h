// Tells a subject from a busy background by their colours and by where it stands.
#pragma once

#include <vector>

#include "image/image.h"

namespace lode::sketch {

/// For each pixel whether it is likelier part of a subject in the middle than of the background:
/// colour histograms of both, begun with the middle and the border and refined in rounds, times
/// a prior that falls off from the centre. Coarse: for pictures without a plain background.
std::vector<bool> separate_by_colour(const image::Image& picture);

}  // namespace lode::sketch
