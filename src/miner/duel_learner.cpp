#include "miner/duel_learner.h"

#include <algorithm>
#include <cmath>

namespace lode::miner {
namespace {

/// Of a result one deviation better at a correlation of 1, what Config::rating_per_deviation's 163
/// points are: their slope of Elo's expectation, ln(10) / 1600 a point.
constexpr double kWinPerDeviation = 163 * 2.302585092994046 / 1600;
/// A move of the rating up or down is 1 or -1: twice the outcome less a half.
constexpr double kMovePerCorrelation = 2 * kWinPerDeviation;

double variance(double n, double sum, double squares) {
  return std::max(0.0, squares / n - sum / n * (sum / n));
}

}  // namespace

void DuelLearner::on_sent(const std::string& hotkey, std::optional<double> standing) {
  rows_[hotkey].under_way = standing;
}

void DuelLearner::on_answer(const std::string& hotkey, bool accepted, double rating) {
  constexpr double kLeastMove = 0.01;  // less is the rounding of a number that was told twice
  Row& row = rows_[hotkey];
  const double move = rating > 0 && row.rating > 0 ? rating - row.rating : 0;
  if (std::abs(move) >= kLeastMove) {
    double sum = 0;
    int known = 0;
    for (const std::optional<double>& standing : row.sent) {
      if (standing) {
        ++known;
        sum += *standing;
        z_count_ += 1;
        z_ += *standing;
        zz_ += *standing * *standing;
      }
    }
    if (known > 0) {
      const double won = move > 0 ? 1 : -1;
      n_ += 1;
      m_ += won;
      s_ += sum;
      ss_ += sum * sum;
      ms_ += won * sum;
    }
  }
  row.rating = rating > 0 ? rating : row.rating;
  row.sent.push_back(accepted ? row.under_way : std::nullopt);
  row.under_way.reset();
  if (row.sent.size() > kDuelLags) {
    row.sent.pop_front();
  }
}

CorrelationEstimate DuelLearner::estimate(double prior) const {
  constexpr double kLeastSpread = 1e-3;  // of standings: all results scored alike tell nothing
  CorrelationEstimate estimate{static_cast<int>(n_), 0, 0, prior};
  const double spread = z_count_ > 0 ? variance(z_count_, z_, zz_) : 0;
  if (n_ < kEnoughMoves || spread < kLeastSpread) {
    return estimate;
  }
  // The effect of each of the results a move is held against, added up: independent standings of
  // variance v have the covariance v times that sum with the move.
  const double covariance = ms_ / n_ - m_ / n_ * (s_ / n_);
  estimate.measured = covariance / spread / kMovePerCorrelation;
  estimate.error =
      std::sqrt(variance(n_, m_, n_) * variance(n_, s_, ss_) / n_) / spread / kMovePerCorrelation;
  const double measured_weight = 1 / std::max(estimate.error * estimate.error, 1e-6);
  const double prior_weight = 1 / (kCorrelationSpread * kCorrelationSpread);
  estimate.correlation = std::clamp((measured_weight * estimate.measured + prior_weight * prior) /
                                        (measured_weight + prior_weight),
                                    kLeastCorrelation, 1.0);
  return estimate;
}

}  // namespace lode::miner
