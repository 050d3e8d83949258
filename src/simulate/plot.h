// Accepted results over time as a picture.
#pragma once

#include <string>
#include <vector>

#include "simulate/config.h"
#include "simulate/outcome.h"

namespace lode::simulate {

/// An SVG document: one line a policy and the bound's, with axes, ticks, a legend that names the
/// final counts, and the parameters as title.
std::string plot_svg(const Config& config, const std::vector<Outcome>& outcomes);

/// The distance of at most `count` ticks over `range` (above 0): 1, 2 or 5 times a power of ten.
double tick_step(double range, int count);
/// The same for hours: from an hour on 1, 2, 4, 8, 12, 24 or a multiple of days, as people count.
double hour_step(double hours, int count);

}  // namespace lode::simulate
