#include "miner/experience.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>

namespace lode::miner {
namespace {

/// Samples that a prior counts as: it is outvoted after a dozen or so.
constexpr double kPriorWeight = 4;
constexpr int kWindow = 50;
/// Samples before a worker can be called slow.
constexpr int kEnoughToCallSlow = 5;

/// `measured` once there is enough of it, the prior before, a mixture between.
double blend(const FadingMoments& measured, double prior) {
  const double n = measured.count();
  return (measured.mean() * n + prior * kPriorWeight) / (n + kPriorWeight);
}

}  // namespace

void FadingMoments::add(double value) {
  if (!std::isfinite(value)) {
    return;
  }
  count_ = std::min(count_ + 1, kWindow);
  const double weight = 1.0 / count_;
  const double difference = value - mean_;
  mean_ += weight * difference;
  variance_ = (1 - weight) * (variance_ + weight * difference * difference);
}

double FadingMoments::deviation() const { return std::sqrt(variance_); }

void FadingLine::add(double x, double y) {
  if (std::isfinite(x) && std::isfinite(y)) {
    x_.add(x);
    y_.add(y);
    xy_.add(x * y);
  }
}

/// The least squares slope, drawn towards 1 as if a few pairs had been seen that far apart.
double FadingLine::slope() const {
  constexpr double kPriorSpread = 0.05;
  const double n = count();
  const double prior = kPriorWeight * kPriorSpread * kPriorSpread;
  const double covariance = xy_.mean() - x_.mean() * y_.mean();
  const double variance = x_.deviation() * x_.deviation();
  return (n * covariance + prior) / (n * variance + prior);
}

double FadingLine::predict(double x) const {
  const double n = count();
  const double shift = y_.mean() - x_.mean();  // systematic part
  const double center = x_.mean();
  const double fitted = center + shift + slope() * (x - center);
  return (n * fitted + kPriorWeight * x) / (n + kPriorWeight);
}

double FadingLine::error(double prior_error) const {
  const double n = count();
  const double b = slope();
  const double covariance = xy_.mean() - x_.mean() * y_.mean();
  const double spread_x = x_.deviation(), spread_y = y_.deviation();
  const double residual =
      std::max(0.0, spread_y * spread_y - 2 * b * covariance + b * b * spread_x * spread_x);
  return std::sqrt((n * residual + kPriorWeight * prior_error * prior_error) / (n + kPriorWeight));
}

void FadingShare::add(bool success) {
  constexpr double kKeep = 1 - 1.0 / kWindow;
  successes_ = successes_ * kKeep + (success ? 1 : 0);
  trials_ = trials_ * kKeep + 1;
}

double FadingShare::value(double prior) const {
  return (successes_ + prior * kPriorWeight) / (trials_ + kPriorWeight);
}

void Experience::apply(const Event& event) {
  if (const std::optional<ScorePair> pair = collector_.take(event)) {
    calibrator_.add(event.hotkey, *pair);
  }
  switch (event.kind) {
    case EventKind::assigned:
      if (!event.task_type.empty()) {
        current_[event.hotkey] = {event.task_type, 0, false, 0};
      }
      break;
    case EventKind::discarded:  // the score that was foretold is the best estimate there is
    case EventKind::candidate_ready: {
      Current& current = current_[event.hotkey];
      ByType& type = types_[current.task_type];
      if (event.seconds > 0) {
        type.generation_seconds.add(event.seconds);
      }
      if (event.judged || event.kind == EventKind::discarded) {
        type.scores.add(event.score);
        const bool passed = event.score >= event.threshold;
        passes_[std::min<std::size_t>(static_cast<std::size_t>(current.failures), kAttempts - 1)]
            .add(passed);
        current.failures += passed ? 0 : 1;
      }
      break;
    }
    case EventKind::submitting:
      current_[event.hotkey].submitted_score = event.score;
      current_[event.hotkey].is_judged = event.judged;
      duels_.on_sent(event.hotkey, event.judged
                                       ? standing(current_[event.hotkey].task_type, event.score)
                                       : std::nullopt);
      break;
    case EventKind::accepted:
      finish(event, true);
      break;
    case EventKind::emptied:
    case EventKind::rejected:
      finish(event, false);
      break;
    default:
      break;
  }
}

void Experience::finish(const Event& event, bool accepted) {
  const Current current = current_[event.hotkey];
  accepted_.add(accepted);
  duels_.on_answer(event.hotkey, accepted, event.rating);
  if (event.kind != EventKind::emptied && event.seconds > 0) {
    submission_seconds_.add(event.seconds);
  }
  // Of a rejected result it is only told that it was below the threshold: taken for a bit below.
  constexpr double kBelow = 0.05;
  if (current.is_judged && accepted) {
    verdicts_.add(current.submitted_score, event.score);
  } else if (current.is_judged && event.kind == EventKind::rejected) {
    verdicts_.add(current.submitted_score, event.threshold - kBelow);
  }
}

const Experience::ByType& Experience::by_type(const std::string& task_type) const {
  static const ByType kNothing;
  const auto found = types_.find(task_type);
  return found == types_.end() ? kNothing : found->second;
}

Duration Experience::generation_time(const std::string& task_type) const {
  return from_seconds(blend(by_type(task_type).generation_seconds, to_seconds(priors_.generation)));
}

Duration Experience::overdue_time(const std::string& task_type) const {
  constexpr Duration kShortest = std::chrono::seconds(1);  // less may be the network's hiccup
  const FadingMoments& seconds = by_type(task_type).generation_seconds;
  if (seconds.count() < kEnoughToCallSlow) {
    return std::max(3 * generation_time(task_type), kShortest);
  }
  return std::max(from_seconds(2 * seconds.mean() + 3 * seconds.deviation()), kShortest);
}

Duration Experience::generation_limit(const std::string& task_type) const {
  constexpr Duration kLongest = std::chrono::seconds(300);
  constexpr Duration kShortest = std::chrono::seconds(30);
  const FadingMoments& seconds = by_type(task_type).generation_seconds;
  if (seconds.count() < kEnoughToCallSlow) {
    return kLongest;
  }
  return std::clamp(from_seconds(4 * seconds.mean() + 6 * seconds.deviation()), kShortest,
                    kLongest);
}

Duration Experience::submission_time() const {
  return from_seconds(blend(submission_seconds_, to_seconds(priors_.submission)));
}

Duration Experience::submission_limit() const {
  constexpr int kEnough = 5;
  constexpr Duration kLongest = std::chrono::seconds(300);
  constexpr Duration kUnknown = std::chrono::seconds(60);
  constexpr Duration kShortest = std::chrono::seconds(32);
  if (submission_seconds_.count() < kEnough) {
    return kUnknown;
  }
  return std::clamp(
      from_seconds(4 * submission_seconds_.mean() + 6 * submission_seconds_.deviation()), kShortest,
      kLongest);
}

const FadingMoments& Experience::scores(const std::string& task_type) const {
  return by_type(task_type).scores;
}

std::optional<double> Experience::standing(const std::string& task_type, double score) const {
  constexpr int kEnough = 8;
  constexpr double kLeastDeviation = 1e-6;
  const FadingMoments& seen = by_type(task_type).scores;
  if (seen.count() < kEnough || seen.deviation() < kLeastDeviation) {
    return std::nullopt;
  }
  return (score - seen.mean()) / seen.deviation();
}

double Experience::pass_probability(int failures) const {
  double prior = priors_.pass;
  double probability = prior;
  for (int i = 0; i <= failures; ++i) {
    const auto index = std::min<std::size_t>(static_cast<std::size_t>(i), kAttempts - 1);
    probability = passes_[index].value(prior);
    prior = probability * priors_.later_pass;
  }
  return probability;
}

double Experience::acceptance_probability(double score, double threshold) const {
  if (is_calibrated()) {
    return calibrator_.overall().acceptance_probability(score, threshold);
  }
  const double error = std::max(scorer_error(), 1e-4);
  return boost::math::cdf(boost::math::normal(), (expected_score(score) - threshold) / error);
}

double Experience::acceptance_probability(const std::string& hotkey, double score,
                                          double threshold) const {
  return is_calibrated() ? calibrator_.of(hotkey).acceptance_probability(score, threshold)
                         : acceptance_probability(score, threshold);
}

double Experience::margin(const std::string& hotkey, double threshold,
                          double least_acceptance) const {
  return least_margin(
      [&](double margin) { return acceptance_probability(hotkey, threshold + margin, threshold); },
      least_acceptance);
}

MarginSource Experience::margin_source(const std::string& hotkey) const {
  if (!is_calibrated()) {
    return MarginSource::prior;
  }
  return calibrator_.has(hotkey) ? MarginSource::own : MarginSource::pooled;
}

double Experience::acceptance() const { return accepted_.value(priors_.acceptance); }

}  // namespace lode::miner
