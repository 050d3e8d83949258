// How our scores of what was sent stand to the validators': a monotone curve, its scatter, the
// probability of acceptance, and a safety margin.
//
// A validator tells its score of an accepted result; of a rejected one it tells only that it was
// below the threshold. So there are two curves: the expected score, in which a rejection counts as
// kBelowThreshold under the threshold, and the share of accepted results by the distance of our
// score from the threshold, which needs no such guess.
//
// Both are isotonic regressions (Barlow, Bartholomew, Bremner and Brunk 1972; pool adjacent
// violators) of bins of kBinWidth. Each bin begins with kPriorPairs pairs that behave as a prior
// says, so that few samples move little; a validator's own prior is the curve over all validators,
// theirs is a straight line of small error. The line is least squares drawn towards "theirs = ours"
// by kPriorPairs pairs, fitted twice: the second time with values more than three robust deviations
// off (1.4826 times the median absolute residual) moved to there, so that one absurd score cannot
// turn it.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "miner/event.h"

namespace lode::miner {

/// One judged result that a validator spoke on.
struct ScorePair {
  double predicted = 0;            ///< our score
  std::optional<double> returned;  ///< theirs; nothing when it was rejected
  double threshold = 0.6;          ///< the validator's

  bool is_accepted() const { return returned.has_value(); }
};

inline constexpr double kBelowThreshold = 0.05;
inline constexpr double kBinWidth = 0.02;
inline constexpr double kPriorPairs = 4;
inline constexpr double kLargestMargin = 1;  ///< nothing is sent: scores end near 1.4
/// Of so many newest pairs a fit is made; validators change their engines now and then.
inline constexpr std::size_t kPairsOverall = 200;
inline constexpr std::size_t kPairsPerValidator = 100;

/// A rising function over [low, low + 1], kept as samples a hundredth apart; straight between
/// them, constant beyond.
class RisingCurve {
 public:
  /// Samples `f`, which must not fall.
  RisingCurve(double low, const std::function<double(double)>& f);
  double operator()(double x) const;

 private:
  static constexpr int kSteps = 100;
  double low_;
  std::array<double, kSteps + 1> samples_;
};

/// What is thought before there are pairs: normal errors of this deviation around "theirs = ours".
struct CalibrationPrior {
  double error = 0.02;
};

/// A fit of some pairs. Every field is finite, whatever the pairs.
struct Calibration {
  int pairs = 0;
  int rejected = 0;
  double mean_predicted = 0;  ///< of all pairs
  double mean_returned = 0;   ///< of accepted ones
  double bias = 0;            ///< mean of theirs minus ours, of accepted ones
  double spread = 0;          ///< robust deviation of theirs from `expected`, drawn to the prior's
  RisingCurve expected;       ///< theirs by ours, 0..1
  RisingCurve acceptance;     ///< probability by our score minus the threshold, -0.5..0.5

  double acceptance_probability(double score, double threshold) const {
    return acceptance(score - threshold);
  }
};

/// The fit over all validators; without pairs `expected` is the identity and `acceptance` the
/// normal distribution of the prior's error.
Calibration calibrate(std::span<const ScorePair> pairs, const CalibrationPrior& prior = {});
/// One validator's fit, drawn to the one over all.
Calibration calibrate(std::span<const ScorePair> pairs, const Calibration& overall);

/// The smallest margin above a threshold, 0..kLargestMargin, at which `acceptance` (which does not
/// fall with the margin) is at least `least`; kLargestMargin where none is. What is scored
/// threshold plus margin is just worth sending.
double least_margin(const std::function<double(double)>& acceptance, double least);

/// Finds the pairs in a stream of events, in order.
class PairCollector {
 public:
  /// The pair that this event completes. Results that were not judged, lost replies and
  /// validators' faults make none.
  std::optional<ScorePair> take(const Event& event);

 private:
  struct Sent {
    double predicted = 0;
    bool is_judged = false;
  };
  std::map<std::string, Sent> sent_;          ///< by hotkey
  std::map<std::string, double> thresholds_;  ///< by hotkey
};

/// The newest pairs of each validator and of all, with their fits, which are made when asked for.
class Calibrator {
 public:
  explicit Calibrator(CalibrationPrior prior) : prior_(prior) {}

  void add(const std::string& hotkey, const ScorePair& pair);
  /// Pairs kept over all validators.
  int count() const { return static_cast<int>(overall_.pairs.size()); }
  const Calibration& overall() const;
  bool has(const std::string& hotkey) const { return validators_.contains(hotkey); }
  /// `overall()` for a validator without pairs.
  const Calibration& of(const std::string& hotkey) const;

 private:
  struct Fit {
    std::deque<ScorePair> pairs;
    mutable std::optional<Calibration> calibration;
  };
  static void keep(Fit& fit, const ScorePair& pair, std::size_t most);

  CalibrationPrior prior_;
  Fit overall_;
  std::map<std::string, Fit> validators_;
};

}  // namespace lode::miner
