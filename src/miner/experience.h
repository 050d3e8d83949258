// What the miner has learned of its own work: how long candidates take, how they score, and how
// well our score foretells the validators'.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>

#include "miner/calibration.h"
#include "miner/config.h"
#include "miner/duel_learner.h"
#include "miner/event.h"

namespace lode::miner {

/// Mean and spread of a stream whose older values fade: the newest 50 or so count.
class FadingMoments {
 public:
  void add(double value);
  int count() const { return count_; }
  double mean() const { return mean_; }
  double deviation() const;

 private:
  int count_ = 0;
  double mean_ = 0;
  double variance_ = 0;
};

/// The line through pairs (x, y) that predicts y best, and how far off it is; older pairs fade. It
/// begins as y = x with a given error, and the pairs have to outvote that.
class FadingLine {
 public:
  void add(double x, double y);
  int count() const { return x_.count(); }
  double predict(double x) const;
  /// Standard deviation of y around the line; `prior_error` before there are pairs.
  double error(double prior_error) const;

 private:
  double slope() const;

  FadingMoments x_;
  FadingMoments y_;
  FadingMoments xy_;
};

/// A share of successes that begins at a prior and follows the newest 50 or so trials.
class FadingShare {
 public:
  void add(bool success);
  double value(double prior) const;

 private:
  double successes_ = 0;
  double trials_ = 0;
};

/// What a validator's margin was learned from.
enum class MarginSource {
  prior,   ///< the line and error of the first results, all validators together
  pooled,  ///< the calibration over all validators: it has none of its own
  own      ///< its own calibration, drawn to the one over all
};

/// A fold over events, like the ledger, but over all validators together: they share the workers
/// and the judge. Text and image tasks are told apart where they differ.
class Experience {
 public:
  explicit Experience(Priors priors = {})
      : priors_(priors), calibrator_(CalibrationPrior{priors.scorer_error}) {}

  void apply(const Event& event);

  /// Expected duration of one candidate of a task type ("text" or "image").
  Duration generation_time(const std::string& task_type) const;
  /// A generation that takes this long is well beyond what was learned, so that its worker may
  /// hang: twice the mean and three deviations (less than one in 10,000 of lengths that scatter by
  /// a third), three times the expected duration until enough were seen; at least a second.
  Duration overdue_time(const std::string& task_type) const;
  /// A generation that takes this long is taken for stuck.
  Duration generation_limit(const std::string& task_type) const;
  /// Expected duration of a submission, the validator's scoring included.
  Duration submission_time() const;
  /// A submission without a reply for this long is taken for lost. Never less than 32 s, the
  /// validators' lock on a task that they are scoring and two seconds; asking earlier would be
  /// useless. Asking while it is still being scored is harmless.
  Duration submission_limit() const;

  /// Our scores of candidates of that type: how many were seen, their mean and spread.
  const FadingMoments& scores(const std::string& task_type) const;
  /// Probability that a candidate passes when the task's `failures` candidates before did not.
  double pass_probability(int failures) const;
  /// What a validator is expected to score what we score `score`. Learned from accepted results, so
  /// that a scorer of ours that errs much but finds good results only is believed less, not more.
  double expected_score(double score) const { return verdicts_.predict(score); }
  /// How far that may be off: a standard deviation.
  double scorer_error() const { return verdicts_.error(priors_.scorer_error); }
  /// Probability that a validator with this threshold accepts what we score `score`. Up to
  /// Priors::calibration_pairs submitted results by `expected_score` and a normal `scorer_error`,
  /// from then on by the calibration (calibration.h) over all validators.
  double acceptance_probability(double score, double threshold) const;
  /// The same of one validator, by its own calibration.
  double acceptance_probability(const std::string& hotkey, double score, double threshold) const;
  /// How far above a validator's threshold our score must be for a chance of acceptance of at least
  /// `least_acceptance`: least_margin() of the above.
  double margin(const std::string& hotkey, double threshold, double least_acceptance) const;
  MarginSource margin_source(const std::string& hotkey) const;
  /// How well our score tells what judges prefer, beginning at `prior`: duel_learner.h.
  CorrelationEstimate score_correlation(double prior) const { return duels_.estimate(prior); }
  /// A score's place among those of candidates of that type, in standard deviations; nothing until
  /// eight were seen, or where they are all alike.
  std::optional<double> standing(const std::string& task_type, double score) const;
  /// The share of tasks that end accepted.
  double acceptance() const;

 private:
  struct ByType {
    FadingMoments generation_seconds;
    FadingMoments scores;
  };
  struct Current {
    std::string task_type;
    double submitted_score = 0;
    bool is_judged = false;
    int failures = 0;
  };
  const ByType& by_type(const std::string& task_type) const;
  void finish(const Event& event, bool accepted);
  bool is_calibrated() const { return calibrator_.count() >= priors_.calibration_pairs; }

  static constexpr std::size_t kAttempts = 4;  ///< the last one stands for all later ones

  Priors priors_;
  std::map<std::string, ByType> types_;
  std::map<std::string, Current> current_;  ///< the task in hand, by hotkey
  std::array<FadingShare, kAttempts> passes_;
  FadingShare accepted_;
  FadingMoments submission_seconds_;
  FadingLine verdicts_;  ///< theirs from ours
  PairCollector collector_;
  Calibrator calibrator_;
  DuelLearner duels_;
};

}  // namespace lode::miner
