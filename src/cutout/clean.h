// Tidies a matte: small holes filled, specks and lesser parts removed.
#pragma once

#include "image/grey_image.h"

namespace lode::cutout {

/// Which connected parts of the subject stay.
enum class Keep {
  largest,  ///< one; of several of one size that nearest to the picture's middle, then the upper
  parts     ///< all of at least CleanOptions::least_part of the largest: a pair of shoes
};

struct CleanOptions {
  Keep keep = Keep::largest;
  double least_part = 0.1;      ///< for Keep::parts, of the largest part's area
  double largest_hole = 0.002;  ///< holes up to this share of subject and holes together are filled
};

struct Cleaned {
  image::GreyImage alpha;
  int filled_holes = 0;
  int removed_parts = 0;
  int kept_parts = 0;
};

/// A part is a connected piece of alpha >= 128 (8 neighbours) with the softer pixels that are
/// nearest to it; a hole is a connected piece of alpha < 250 (4 neighbours) that does not reach the
/// picture's edge and holds a pixel of alpha < 128. Cleaning what is clean changes nothing.
Cleaned clean_matte(const image::GreyImage& alpha, const CleanOptions& options = {});

}  // namespace lode::cutout
