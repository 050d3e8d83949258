#include "subnet/rating.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lode::subnet {
namespace {

constexpr double kScale = 173.7178;  // rating points in one unit of Glicko-2's internal scale
constexpr double kTau = 0.5;         // how fast volatility may change

double square(double x) { return x * x; }

double weight_of(double deviation) {  // g(phi)
  return 1 / std::sqrt(1 + 3 * square(deviation / std::numbers::pi));
}

double score_of(DuelOutcome outcome) {
  switch (outcome) {
    case DuelOutcome::loss:
      return 0;
    case DuelOutcome::draw:
      return 0.5;
    case DuelOutcome::win:
      return 1;
  }
  return 0.5;
}

// Step 5: the new volatility, the root of f by the Illinois variant of regula falsi.
double new_volatility(double deviation, double volatility, double variance, double delta) {
  const double a = std::log(square(volatility));
  const auto f = [&](double x) {
    const double e = std::exp(x);
    const double spread = square(deviation) + variance + e;
    return e * (square(delta) - spread) / (2 * square(spread)) - (x - a) / square(kTau);
  };
  double low = a;
  double high = 0;
  if (square(delta) > square(deviation) + variance) {
    high = std::log(square(delta) - square(deviation) - variance);
  } else {
    int k = 1;
    while (f(a - k * kTau) < 0) ++k;
    high = a - k * kTau;
  }
  double f_low = f(low);
  double f_high = f(high);
  while (std::abs(high - low) > 1e-6) {
    const double middle = low + (low - high) * f_low / (f_high - f_low);
    const double f_middle = f(middle);
    if (f_middle * f_high <= 0) {
      low = high;
      f_low = f_high;
    } else {
      f_low /= 2;
    }
    high = middle;
    f_high = f_middle;
  }
  return std::exp(low / 2);
}

}  // namespace

Rating after_duel(const Rating& player, const Rating& opponent, DuelOutcome outcome) {
  const double mu = (player.rating - 1500) / kScale;
  const double phi = player.deviation / kScale;
  const double g = weight_of(opponent.deviation / kScale);
  const double expected = 1 / (1 + std::exp(-g * (mu - (opponent.rating - 1500) / kScale)));
  const double variance = 1 / (square(g) * expected * (1 - expected));
  const double surprise = g * (score_of(outcome) - expected);
  const double volatility = new_volatility(phi, player.volatility, variance, variance * surprise);
  const double widened = std::sqrt(square(phi) + square(volatility));
  const double new_phi = 1 / std::sqrt(1 / square(widened) + 1 / variance);
  const double new_mu = mu + square(new_phi) * surprise;
  return {std::clamp(kScale * new_mu + 1500, 0.0, 3000.0),
          std::clamp(kScale * new_phi, 30.0, 350.0), std::clamp(volatility, 0.03, 0.2)};
}

}  // namespace lode::subnet
