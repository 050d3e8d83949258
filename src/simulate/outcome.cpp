#include "simulate/outcome.h"

#include <algorithm>
#include <cmath>

#include "simulate/ideal_queue.h"

namespace lode::simulate {
namespace {

constexpr double kWindowHours = 4;

double share(double part, double whole) { return whole > 0 ? part / whole : 0; }

/// Standard error of the mean count per whole window; nothing for fewer than two windows.
std::optional<double> scatter(const std::vector<double>& accepted_at, int windows) {
  if (windows < 2) {
    return std::nullopt;
  }
  std::vector<double> counts(static_cast<std::size_t>(windows), 0);
  for (const double at : accepted_at) {
    const auto window = static_cast<std::size_t>(at / kWindowHours);
    if (window < counts.size()) {
      ++counts[window];
    }
  }
  double mean = 0;
  for (const double count : counts) {
    mean += count / windows;
  }
  double squares = 0;
  for (const double count : counts) {
    squares += (count - mean) * (count - mean);
  }
  return std::sqrt(squares / (windows - 1) / windows);
}

}  // namespace

void Tally::note_busy(Time began, Time now) {
  if (is_measured(now)) {
    busy_ += now - std::max(began, from_);
  }
}

void Tally::note_answered(Time assigned_at, Time now) {
  if (is_measured(now)) {
    ++answered_;
    overrun_seconds_ +=
        std::max(0.0, to_seconds(now - assigned_at - config_.rules.throttle_period));
  }
}

void Tally::note_accepted(const subnet::Feedback& feedback, double true_score, Time now) {
  most_in_a_window_ = std::max(most_in_a_window_, feedback.generations_within_the_window);
  if (is_measured(now)) {
    quality_sum_ += true_score;
    accepted_at_.push_back(to_seconds(now - from_) / 3600);
  }
}

void Tally::begin(const sandbox::Counters& counters, std::int64_t dropped) {
  before_ = counters;
  dropped_before_ = dropped;
}

Outcome Tally::finish(std::string policy, const sandbox::Counters& counters, std::int64_t dropped) {
  const double seconds = config_.hours * 3600;
  Outcome out;
  out.policy = std::move(policy);
  out.hours = config_.hours;
  out.pulled = counters.pulled - before_.pulled;
  out.accepted = counters.accepted - before_.accepted;
  out.empty = counters.empty - before_.empty;
  out.rejected = counters.rejected - before_.rejected;
  out.violations = counters.violations - before_.violations;
  out.forbidden = counters.forbidden - before_.forbidden;
  out.duplicates = counters.duplicates + counters.locked - before_.duplicates - before_.locked;
  out.generated = generated_;
  out.generation_failures = failures_;
  out.cancelled = cancelled_;
  out.wasted = wasted_;
  out.dropped = dropped - dropped_before_;
  out.windows = static_cast<int>(config_.hours / kWindowHours);
  out.accepted_per_4h = static_cast<double>(out.accepted) * kWindowHours / config_.hours;
  out.standard_error = scatter(accepted_at_, out.windows);
  out.candidates_per_task = share(static_cast<double>(generated_), static_cast<double>(answered_));
  out.overrun_seconds = share(overrun_seconds_, static_cast<double>(answered_));
  out.quality = share(quality_sum_, static_cast<double>(out.accepted));
  out.busy_share = to_seconds(busy_) / (seconds * config_.workers);
  out.most_in_a_window = most_in_a_window_;
  out.bound = bound(bound_input(config_), seconds);
  out.bound_without_scorer =
      bound_without_scorer(bound_input(config_), config_.quality.reject_rate, seconds);
  out.ratio = static_cast<double>(out.accepted) / out.bound;
  out.attainable = attainable(bound_input(config_), seconds);
  out.attainable_ratio = static_cast<double>(out.accepted) / out.attainable;
  out.accepted_at = std::move(accepted_at_);
  return out;
}

}  // namespace lode::simulate
