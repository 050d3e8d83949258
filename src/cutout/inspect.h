// Whether a matte looks like a subject: what is odd about it, with numbers.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "image/grey_image.h"

namespace lode::cutout {

/// Measures of a matte. A pixel of alpha 128 or more counts as subject; shares are 0..1.
struct MatteMeasures {
  double coverage = 0;                  ///< subject's share of the picture
  int parts = 0;                        ///< connected parts (8 neighbours)
  double largest_share = 0;             ///< the largest part's share of the subject
  int holes = 0;                        ///< enclosed background parts (4 neighbours)
  double hole_share = 0;                ///< their share of subject and holes together
  double soft_share = 0;                ///< pixels of alpha 1..254, share of the picture
  std::array<double, 4> edge_shares{};  ///< subject's share of the top, right, bottom, left edge
};

enum class Oddity {
  opaque,      ///< nearly everything is subject
  empty,       ///< nearly nothing is
  holed,       ///< background shows through much of it
  fragmented,  ///< no part is most of it
  at_edges     ///< it runs out of the picture on every side
};
std::string_view to_string(Oddity oddity);

/// One thing that is odd, and the measure that says so.
struct Finding {
  Oddity oddity = Oddity::opaque;
  double value = 0;  ///< the measure
  double limit = 0;  ///< what it was held against
  std::string text;  ///< one line for people, with both
};

/// From where on a matte is odd.
struct InspectLimits {
  double most_coverage = 0.97;   ///< opaque above: a subject that leaves 3 % is a crop of one
  double least_coverage = 5e-4;  ///< empty below: under 23x23 of 1024x1024 pixels
  double most_holes = 0.3;       ///< holed above; a ring of a third its radius has 0.44
  double least_largest = 0.6;    ///< fragmented below
  double most_edge = 0.02;       ///< at_edges when every edge has more
};

struct Inspection {
  MatteMeasures measures;
  std::vector<Finding> findings;

  /// False for a matte that nothing can be cut out with: opaque or empty.
  bool is_usable() const;
};

Inspection inspect_matte(const image::GreyImage& alpha, const InspectLimits& limits = {});

/// Intersection over union of the subjects of two mattes of one size; 1 when both are empty.
double agreement(const image::GreyImage& a, const image::GreyImage& b);

}  // namespace lode::cutout
