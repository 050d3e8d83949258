// How long a worker takes over one candidate, as a distribution.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/rng.h"

namespace lode::simulate {

/// Longest generation that can be asked for, in seconds: a day.
inline constexpr double kMaxGenerationSeconds = 86'400;

/// Seconds of one generation: lognormal with a given mean and coefficient of variation, or uniform
/// between two bounds.
class GenerationTime {
 public:
  /// `mean` above 0; `spread` is standard deviation over mean, 0 for always the same.
  static GenerationTime lognormal(double mean, double spread);
  /// `low` above 0 and not above `high`.
  static GenerationTime uniform(double low, double high);

  double sample(Rng& rng) const;
  double mean() const;
  /// The mean of `value` over the distribution, by quadrature: good to 1e-3 of its steps.
  double expectation(const std::function<double(double seconds)>& value) const;
  /// "20 s, spread 0.3" or "15-25 s"
  std::string describe() const;

 private:
  enum class Shape { lognormal, uniform };
  GenerationTime(Shape shape, double a, double b) : shape_(shape), a_(a), b_(b) {}
  double at_normal(double z) const;  ///< lognormal: the value z deviations from the median

  Shape shape_;
  double a_;  ///< mean, or lower bound
  double b_;  ///< spread, or upper bound
};

/// "A" is lognormal with mean A and `spread`, "A-B" uniform between A and B. Errc::invalid_input
/// for anything else, and for values outside 0 .. kMaxGenerationSeconds and spreads outside 0 .. 5.
Result<GenerationTime> parse_generation_time(std::string_view text, double spread);

}  // namespace lode::simulate
