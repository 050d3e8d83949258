#include "miner/calibration.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace lode::miner {
namespace {

constexpr double kLowestDistance = -0.5;  // of our score from a threshold

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Theirs, as far as told.
double returned_of(const ScorePair& pair) {
  return pair.returned.value_or(pair.threshold - kBelowThreshold);
}

struct Line {
  double center = 0;  ///< of ours
  double shift = 0;   ///< theirs minus ours at the center
  double slope = 1;
  double at(double x) const { return x + shift + (slope - 1) * (x - center); }
};

struct Point {
  double x = 0, y = 0;
};

/// Least squares drawn to the identity. The pairs that hold the slope are thought 0.05 apart.
Line fit_line(const std::vector<Point>& points) {
  constexpr double kPriorSpread = 0.05;
  const auto n = static_cast<double>(points.size());
  Line line;
  if (points.empty()) {
    return line;
  }
  double mean_x = 0, mean_y = 0;
  for (const Point& p : points) {
    mean_x += p.x / n;
    mean_y += p.y / n;
  }
  double xx = 0, xy = 0;
  for (const Point& p : points) {
    xx += (p.x - mean_x) * (p.x - mean_x);
    xy += (p.x - mean_x) * (p.y - mean_y);
  }
  const double held = kPriorPairs * kPriorSpread * kPriorSpread;
  const double trust = n / (n + kPriorPairs);
  line.center = mean_x;
  line.shift = trust * (mean_y - mean_x);
  // Drawn to slope 1 once more with the shift: the prior's line is the identity as a whole.
  line.slope = 1 + trust * (std::max(0.0, (xy + held) / (xx + held)) - 1);
  return line;
}

/// Robust deviation around a function of x. Among the residuals are kPriorPairs of `prior`'s
/// median, so that it takes several far ones to raise it.
double robust_spread(const std::vector<Point>& points, const std::function<double(double)>& center,
                     double prior) {
  constexpr double kMadToDeviation = 1.4826;
  std::vector<double> residuals(static_cast<std::size_t>(kPriorPairs), prior / kMadToDeviation);
  for (const Point& p : points) {
    residuals.push_back(std::abs(p.y - center(p.x)));
  }
  return kMadToDeviation * median(std::move(residuals));
}

void clip_to(std::vector<Point>& points, const Line& line, double spread) {
  constexpr double kFarthest = 3;
  for (Point& p : points) {
    const double middle = line.at(p.x);
    p.y = std::clamp(p.y, middle - kFarthest * spread, middle + kFarthest * spread);
  }
}

struct Block {
  double first = 0, last = 0;  ///< the bins' mean x
  double value = 0;
  double weight = 0;
};

/// Pool adjacent violators, of blocks in rising order of x.
std::vector<Block> pool(const std::vector<Block>& blocks) {
  std::vector<Block> pooled;
  for (const Block& block : blocks) {
    pooled.push_back(block);
    while (pooled.size() > 1 && pooled[pooled.size() - 2].value > pooled.back().value) {
      const Block upper = pooled.back();
      pooled.pop_back();
      Block& lower = pooled.back();
      lower.value =
          (lower.value * lower.weight + upper.value * upper.weight) / (lower.weight + upper.weight);
      lower.weight += upper.weight;
      lower.last = upper.last;
    }
  }
  return pooled;
}

/// Bins, each with the prior's pairs; straight between bins. Outside of them the prior, as far as
/// that keeps the whole rising.
RisingCurve fit_rising(const std::vector<Point>& points, double low,
                       const std::function<double(double)>& prior) {
  struct Bin {
    double n = 0, x = 0, y = 0;
  };
  std::map<int, Bin> bins;
  for (const Point& p : points) {
    Bin& bin = bins[static_cast<int>(std::floor(p.x / kBinWidth))];
    bin.n += 1;
    bin.x += p.x;
    bin.y += p.y;
  }
  std::vector<Block> blocks;
  for (const auto& [index, bin] : bins) {
    const double x = bin.x / bin.n;
    const double weight = bin.n + kPriorPairs;
    blocks.push_back({x, x, (bin.y + kPriorPairs * prior(x)) / weight, weight});
  }
  blocks = pool(blocks);
  return RisingCurve(low, [&](double x) {
    const auto after = std::find_if(blocks.begin(), blocks.end(),
                                    [x](const Block& block) { return x <= block.last; });
    if (blocks.empty()) {
      return prior(x);
    }
    if (after == blocks.end()) {
      return std::max(prior(x), blocks.back().value);
    }
    if (x >= after->first) {
      return after->value;
    }
    if (after == blocks.begin()) {
      return std::min(prior(x), after->value);
    }
    const Block& before = *std::prev(after);
    const double part = (x - before.last) / (after->first - before.last);
    return before.value + part * (after->value - before.value);
  });
}

double unit(double x) { return std::clamp(x, 0.0, 1.0); }

/// What peers send and old rows hold may be anything.
std::vector<ScorePair> usable(std::span<const ScorePair> pairs) {
  std::vector<ScorePair> good;
  for (const ScorePair& pair : pairs) {
    if (std::isfinite(pair.predicted) && std::isfinite(pair.threshold) &&
        std::isfinite(pair.returned.value_or(0))) {
      good.push_back({unit(pair.predicted), pair.returned, unit(pair.threshold)});
      if (pair.returned) {
        good.back().returned = unit(*pair.returned);
      }
    }
  }
  return good;
}

struct Points {
  std::vector<Point> scores;    ///< theirs by ours
  std::vector<Point> verdicts;  ///< 0 or 1 by the distance from the threshold
};

Points points_of(const std::vector<ScorePair>& pairs) {
  Points points;
  for (const ScorePair& pair : pairs) {
    points.scores.push_back({pair.predicted, returned_of(pair)});
    points.verdicts.push_back({pair.predicted - pair.threshold, pair.is_accepted() ? 1.0 : 0.0});
  }
  return points;
}

void count_into(Calibration& result, const std::vector<ScorePair>& pairs) {
  double accepted_predicted = 0;
  for (const ScorePair& pair : pairs) {
    ++result.pairs;
    result.mean_predicted += pair.predicted;
    if (pair.is_accepted()) {
      result.mean_returned += *pair.returned;
      accepted_predicted += pair.predicted;
    } else {
      ++result.rejected;
    }
  }
  result.mean_predicted /= std::max(1, result.pairs);
  const int accepted = std::max(1, result.pairs - result.rejected);
  result.mean_returned /= accepted;
  result.bias = result.mean_returned - accepted_predicted / accepted;
}

}  // namespace

RisingCurve::RisingCurve(double low, const std::function<double(double)>& f) : low_(low) {
  for (int i = 0; i <= kSteps; ++i) {
    samples_[i] = f(low_ + static_cast<double>(i) / kSteps);
  }
}

double RisingCurve::operator()(double x) const {
  const double place = std::clamp((x - low_) * kSteps, 0.0, static_cast<double>(kSteps));
  const int below = std::min(static_cast<int>(place), kSteps - 1);
  return samples_[below] + (place - below) * (samples_[below + 1] - samples_[below]);
}

Calibration calibrate(std::span<const ScorePair> pairs, const CalibrationPrior& prior) {
  const std::vector<ScorePair> good = usable(pairs);
  Points points = points_of(good);
  Line line = fit_line(points.scores);
  const auto on_line = [&line](double x) { return unit(line.at(x)); };
  clip_to(points.scores, line, robust_spread(points.scores, on_line, prior.error));
  line = fit_line(points.scores);
  const double error = std::max(1e-4, robust_spread(points.scores, on_line, prior.error));
  double threshold = 0;
  for (const ScorePair& pair : good) {
    threshold += pair.threshold / static_cast<double>(good.size());
  }
  const auto by_normal_errors = [&](double distance) {
    return good.empty() ? normal_cdf(distance / error)
                        : normal_cdf((line.at(threshold + distance) - threshold) / error);
  };
  RisingCurve expected = fit_rising(points.scores, 0, on_line);
  const double spread = robust_spread(points.scores, expected, prior.error);
  Calibration result{.spread = spread,
                     .expected = expected,
                     .acceptance = fit_rising(points.verdicts, kLowestDistance, by_normal_errors)};
  count_into(result, good);
  return result;
}

Calibration calibrate(std::span<const ScorePair> pairs, const Calibration& overall) {
  const std::vector<ScorePair> good = usable(pairs);
  const Points points = points_of(good);
  RisingCurve expected = fit_rising(points.scores, 0, overall.expected);
  const double spread = robust_spread(points.scores, expected, overall.spread);
  Calibration result{
      .spread = spread,
      .expected = expected,
      .acceptance = fit_rising(points.verdicts, kLowestDistance, overall.acceptance)};
  count_into(result, good);
  return result;
}

double least_margin(const std::function<double(double)>& acceptance, double least) {
  constexpr int kHalvings = 14;  // to less than a ten-thousandth
  if (acceptance(0) >= least) {
    return 0;
  }
  double low = 0, high = kLargestMargin;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2;
    (acceptance(middle) >= least ? high : low) = middle;
  }
  return high;
}

std::optional<ScorePair> PairCollector::take(const Event& event) {
  if (event.kind == EventKind::assigned && event.threshold > 0) {
    thresholds_[event.hotkey] = event.threshold;
  }
  if (event.kind == EventKind::submitting) {
    sent_[event.hotkey] = {event.score, event.judged};
    return std::nullopt;
  }
  const bool is_accepted = event.kind == EventKind::accepted;
  if (!is_accepted && event.kind != EventKind::rejected) {
    return std::nullopt;
  }
  const auto sent = sent_.extract(event.hotkey);
  if (sent.empty() || !sent.mapped().is_judged) {
    return std::nullopt;
  }
  ScorePair pair{sent.mapped().predicted, std::nullopt, event.threshold};
  const auto told = thresholds_.find(event.hotkey);
  if (pair.threshold <= 0 && told != thresholds_.end()) {
    pair.threshold = told->second;  // journals once kept it with the assignment alone
  }
  if (is_accepted) {
    pair.returned = event.score;
  }
  return pair;
}

void Calibrator::keep(Fit& fit, const ScorePair& pair, std::size_t most) {
  fit.pairs.push_back(pair);
  if (fit.pairs.size() > most) {
    fit.pairs.pop_front();
  }
  fit.calibration.reset();
}

void Calibrator::add(const std::string& hotkey, const ScorePair& pair) {
  keep(overall_, pair, kPairsOverall);
  keep(validators_[hotkey], pair, kPairsPerValidator);
  for (auto& [name, fit] : validators_) {
    fit.calibration.reset();  // drawn to the fit over all, which has changed
  }
}

const Calibration& Calibrator::overall() const {
  if (!overall_.calibration) {
    overall_.calibration =
        calibrate(std::vector<ScorePair>(overall_.pairs.begin(), overall_.pairs.end()), prior_);
  }
  return *overall_.calibration;
}

const Calibration& Calibrator::of(const std::string& hotkey) const {
  const auto found = validators_.find(hotkey);
  if (found == validators_.end()) {
    return overall();
  }
  const Fit& fit = found->second;
  if (!fit.calibration) {
    fit.calibration =
        calibrate(std::vector<ScorePair>(fit.pairs.begin(), fit.pairs.end()), overall());
  }
  return *fit.calibration;
}

}  // namespace lode::miner
