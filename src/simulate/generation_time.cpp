#include "simulate/generation_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/assert.h"

namespace lode::simulate {
namespace {

/// Points of the quadrature. The functions averaged have steps of one second; the error is a
/// step's height over this many points.
constexpr int kPoints = 8192;

std::optional<double> parse_positive(std::string_view text) {
  double value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc() || end != text.data() + text.size() || !std::isfinite(value) ||
      value <= 0 || value > kMaxGenerationSeconds) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

GenerationTime GenerationTime::lognormal(double mean, double spread) {
  LODE_ASSERT(mean > 0 && spread >= 0, "a lognormal time has a positive mean");
  return {Shape::lognormal, mean, spread};
}

GenerationTime GenerationTime::uniform(double low, double high) {
  LODE_ASSERT(low > 0 && low <= high, "a uniform time has ordered, positive bounds");
  return {Shape::uniform, low, high};
}

double GenerationTime::at_normal(double z) const {
  const double sigma = std::sqrt(std::log1p(b_ * b_));
  return a_ * std::exp(sigma * z - sigma * sigma / 2);
}

double GenerationTime::sample(Rng& rng) const {
  if (shape_ == Shape::uniform) {
    return rng.uniform(a_, b_);
  }
  return b_ == 0 ? a_ : at_normal(rng.normal());
}

double GenerationTime::mean() const { return shape_ == Shape::uniform ? (a_ + b_) / 2 : a_; }

double GenerationTime::expectation(const std::function<double(double)>& value) const {
  if (b_ == (shape_ == Shape::uniform ? a_ : 0)) {
    return value(a_);
  }
  double sum = 0;
  double weights = 0;
  for (int i = 0; i < kPoints; ++i) {
    const double position = (i + 0.5) / kPoints;
    if (shape_ == Shape::uniform) {
      sum += value(a_ + (b_ - a_) * position);
      weights += 1;
    } else {
      constexpr double kReach = 8;  // standard deviations: the rest weighs 1e-15
      const double z = kReach * (2 * position - 1);
      const double weight = std::exp(-z * z / 2);
      sum += weight * value(at_normal(z));
      weights += weight;
    }
  }
  return sum / weights;
}

std::string GenerationTime::describe() const {
  return shape_ == Shape::uniform ? fmt::format("{:.4g}-{:.4g} s", a_, b_)
                                  : fmt::format("{:.4g} s, spread {:.3g}", a_, b_);
}

Result<GenerationTime> parse_generation_time(std::string_view text, double spread) {
  constexpr double kMaxSpread = 5;
  const std::size_t dash = text.find('-');
  const auto low = parse_positive(text.substr(0, dash));
  const auto high = dash == std::string_view::npos ? low : parse_positive(text.substr(dash + 1));
  if (!low || !high || *low > *high) {
    return fail(Errc::invalid_input,
                fmt::format("generation-seconds '{}': A or A-B was expected, in seconds above 0 "
                            "and at most {:.0f}, the smaller first",
                            text.substr(0, 40), kMaxGenerationSeconds));
  }
  if (!(spread >= 0 && spread <= kMaxSpread)) {
    return fail(Errc::invalid_input,
                fmt::format("spread {}: 0 to {} was expected", spread, kMaxSpread));
  }
  return dash == std::string_view::npos ? GenerationTime::lognormal(*low, spread)
                                        : GenerationTime::uniform(*low, *high);
}

}  // namespace lode::simulate
