// The engine's outlier filter over the values of a model's views.
#pragma once

#include <span>
#include <vector>

namespace lode::score {

/// pytod 0.0.3, KNN(contamination=0.1, n_neighbors=5) on one-dimensional values, as the engine's
/// filter_outliers() uses it: a value's oddness is its distance to the fifth nearest other value;
/// those whose oddness is above the 90th percentile (numpy's, linear between ranks) are outliers.
/// Of 16 values usually two go, fewer on ties, none when all are equal. Of six or fewer none goes
/// (pytod fails under six); none goes either when one is NaN.
///
/// True where a value stays, in the order given; the decision does not depend on the order.
std::vector<bool> find_inliers(std::span<const double> values);

/// The values that stay, in the order given. A value of exactly -1 goes too: the engine marks what
/// it drops with -1.
std::vector<double> without_outliers(std::span<const double> values);

}  // namespace lode::score
