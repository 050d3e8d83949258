// A score that explains itself in one line.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "score/formula.h"

namespace lode::score {

/// Values of the single views, in the engine's order around the model; what was not judged is
/// empty. A pair i is view i with the view after it.
struct ViewValues {
  std::vector<double> quality;    ///< one a view
  std::vector<double> alignment;  ///< cosines, one a view
  std::vector<double> ssim;       ///< one a pair
  std::vector<double> lpips;      ///< distances, one a pair
};

/// A view is low when it has less than this part of the median of all views: below it a view
/// pulls the mean down by what a person can see and mend.
inline constexpr double kLowShare = 0.9;

/// Indices of the views under kLowShare of their median, rising. None when the median is not
/// positive.
std::vector<int> low_views(std::span<const double> values);

/// Rising indices as ranges, "5-9, 12"; the ring of `count` views may run over its end, "14-1".
std::string format_ranges(std::span<const int> indices, int count);

/// One line for people, for example
///
///   0.57 = 0.75 x 0.61 + 0.2 x 0.52 + ssim 0.002 + lpips 0.010; alignment low on views 5-9
///
/// with, where they apply, "alignment 0.24 is below 0.3" (then the score is 0), "quality low on
/// views ...", and "not judged: lpips" (then the sum is divided by the weights judged).
std::string explain(const Components& components, const ViewValues& views);

}  // namespace lode::score
