#include "simulate/fit.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

namespace lode::simulate {
namespace {

using miner::Event;
using miner::EventKind;

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) {
    sum += value;
  }
  return sum / static_cast<double>(values.size());
}

double deviation(const std::vector<double>& values) {
  const double centre = mean(values);
  double squares = 0;
  for (const double value : values) {
    squares += (value - centre) * (value - centre);
  }
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::vector<double> logarithms(const std::vector<double>& values) {
  std::vector<double> logs;
  for (const double value : values) {
    logs.push_back(std::log(value));
  }
  return logs;
}

/// The coefficient of variation of a lognormal number whose logarithm has this deviation.
double spread_of(double sigma) { return std::sqrt(std::expm1(sigma * sigma)); }

/// What is remembered of one validator while its events pass by.
struct Row {
  std::map<EventKind, Time> intents;  ///< the last of each kind that was not answered yet
  double threshold = 0.6;
  std::string task_id;
  std::optional<double> best_score;  ///< of the task's candidates, as we saw them
};

struct Samples {
  std::vector<double> pulls, submissions, generations;  ///< seconds
  std::vector<double> accepted_scores, score_errors;
  std::int64_t pull_replies = 0, pull_failures = 0;
  std::int64_t submissions_sent = 0, submit_failures = 0, settled = 0;
  std::int64_t candidates = 0, judged = 0, seen_bad = 0, rejected = 0, generation_failures = 0;
};

/// How long the call that `event` ends took: as recorded, else since its intent.
void add_duration(std::vector<double>& into, Row& row, EventKind intent, const Event& event) {
  const auto node = row.intents.extract(intent);
  const double seconds =
      event.seconds > 0 ? event.seconds : (node ? to_seconds(event.at - node.mapped()) : 0);
  if (seconds > 0 && std::isfinite(seconds)) {
    into.push_back(seconds);
  }
}

void take_assigned(Row& row, const Event& event) {
  row.threshold = event.threshold;
  if (row.task_id != event.task_id) {
    row.task_id = event.task_id;
    row.best_score.reset();
  }
}

void take_candidate(Samples& samples, Row& row, const Event& event) {
  ++samples.candidates;
  if (event.score > 0) {  // 0: no scorer was there
    ++samples.judged;
    samples.seen_bad += event.score < row.threshold ? 1 : 0;
    row.best_score = std::max(row.best_score.value_or(0), event.score);
  }
}

void take(Samples& samples, Row& row, const Event& event) {
  switch (event.kind) {
    case EventKind::pulling:
    case EventKind::generating:
      row.intents[event.kind] = event.at;
      return;
    case EventKind::submitting:
      row.intents[event.kind] = event.at;
      ++samples.submissions_sent;
      return;
    case EventKind::assigned:
    case EventKind::cooldown:
      ++samples.pull_replies;
      add_duration(samples.pulls, row, EventKind::pulling, event);
      if (event.kind == EventKind::assigned) {
        take_assigned(row, event);
      }
      return;
    case EventKind::pull_failed:
      ++samples.pull_failures;
      row.intents.erase(EventKind::pulling);
      return;
    case EventKind::candidate_ready:
      add_duration(samples.generations, row, EventKind::generating, event);
      take_candidate(samples, row, event);
      return;
    case EventKind::discarded:
      add_duration(samples.generations, row, EventKind::generating, event);
      return;
    case EventKind::generation_failed:
      ++samples.generation_failures;
      row.intents.erase(EventKind::generating);
      return;
    case EventKind::accepted:
      samples.accepted_scores.push_back(event.score);
      if (row.best_score) {
        samples.score_errors.push_back(*row.best_score - event.score);
      }
      add_duration(samples.submissions, row, EventKind::submitting, event);
      return;
    case EventKind::rejected:
      ++samples.rejected;
      add_duration(samples.submissions, row, EventKind::submitting, event);
      return;
    case EventKind::submit_failed:
      ++samples.submit_failures;
      row.intents.erase(EventKind::submitting);
      return;
    case EventKind::settled:
      ++samples.settled;
      return;
    case EventKind::emptied:           // not scored, so no measure of a submission
    case EventKind::validator_failed:  // neither
      row.intents.erase(EventKind::submitting);
      return;
    case EventKind::cancelled:
      row.intents.erase(EventKind::generating);
      return;
    case EventKind::decided:
      return;
  }
}

class Findings {
 public:
  void add(std::string name, double value, std::int64_t samples) {
    if (samples >= kMinSamples) {
      values_.push_back({std::move(name), value, samples});
    }
  }
  void add_share(std::string name, std::int64_t part, std::int64_t whole) {
    if (whole >= kMinSamples) {
      add(std::move(name), static_cast<double>(part) / static_cast<double>(whole), whole);
    }
  }
  std::vector<FittedValue> take() { return std::move(values_); }

 private:
  std::vector<FittedValue> values_;
};

bool is_enough(const std::vector<double>& values) {
  return static_cast<std::int64_t>(values.size()) >= kMinSamples;
}

void add_times(Findings& findings, const Samples& samples) {
  const auto count = [](const auto& values) { return static_cast<std::int64_t>(values.size()); };
  if (is_enough(samples.pulls)) {
    findings.add("pull-seconds", median(samples.pulls), count(samples.pulls));
  }
  if (is_enough(samples.submissions)) {
    findings.add("submit-seconds", median(samples.submissions), count(samples.submissions));
    findings.add("latency-spread", spread_of(deviation(logarithms(samples.submissions))),
                 count(samples.submissions));
  }
  if (is_enough(samples.generations)) {
    const auto logs = logarithms(samples.generations);
    const double sigma = deviation(logs);
    findings.add("generation-seconds", std::exp(mean(logs) + sigma * sigma / 2), count(logs));
    findings.add("spread", spread_of(sigma), count(logs));
  }
}

void add_scores(Findings& findings, const Samples& samples) {
  const auto count = [](const auto& values) { return static_cast<std::int64_t>(values.size()); };
  findings.add_share("reject-rate", samples.seen_bad + samples.rejected, samples.candidates);
  if (samples.judged > 0) {
    findings.add_share("scorer-recall", samples.seen_bad, samples.seen_bad + samples.rejected);
  }
  if (is_enough(samples.accepted_scores)) {
    findings.add("score-mean", mean(samples.accepted_scores), count(samples.accepted_scores));
    findings.add("score-spread", deviation(samples.accepted_scores),
                 count(samples.accepted_scores));
  }
  if (is_enough(samples.score_errors)) {
    findings.add("scorer-error", deviation(samples.score_errors), count(samples.score_errors));
  }
}

}  // namespace

std::vector<FittedValue> fit_events(const std::vector<Event>& events) {
  Samples samples;
  std::map<std::string, Row> rows;
  for (const Event& event : events) {
    take(samples, rows[event.hotkey], event);
  }
  Findings findings;
  add_times(findings, samples);
  findings.add_share("generation-failures", samples.generation_failures,
                     samples.generation_failures + samples.candidates);
  findings.add_share("fault-pulls", samples.pull_failures,
                     samples.pull_failures + samples.pull_replies);
  const std::int64_t lost_replies = std::min(samples.settled, samples.submit_failures);
  findings.add_share("fault-submits", samples.submit_failures - lost_replies,
                     samples.submissions_sent);
  findings.add_share("fault-replies", lost_replies, samples.submissions_sent);
  add_scores(findings, samples);
  return findings.take();
}

}  // namespace lode::simulate
