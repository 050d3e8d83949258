#include "miner/statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>

#include "miner/history.h"

namespace lode::miner {
namespace {

using Json = nlohmann::json;

/// What is under way at one validator while the events go by.
struct UnderWay {
  std::string task_id;
  Time assigned_at{};
  Duration throttle{};
  std::map<std::string, double> scores;  ///< our verdicts by artefact
  std::optional<double> best;
  std::map<int, Time> generating;  ///< by attempt
  std::string sent;
  std::optional<Time> pulling, submitting;
};

bool is_outcome(EventKind kind) {
  return kind == EventKind::accepted || kind == EventKind::emptied || kind == EventKind::rejected ||
         kind == EventKind::validator_failed || kind == EventKind::settled;
}

/// How long a call took: as its reply's event says or, failing that, since its intent.
void add_call(Sample& sample, const Event& event, std::optional<Time>& intent) {
  if (event.seconds > 0) {
    sample.add(event.seconds);
  } else if (intent) {
    sample.add(to_seconds(event.at - *intent));
  }
  intent.reset();
}

class Counter {
 public:
  Counter(Time since, Time until) : since_(since), until_(until) {}

  void take(const Event& event) {
    UnderWay& now = under_way_[event.hotkey];
    ValidatorStatistics discarded;  // what happened before the window is followed, not counted
    const bool is_counted = event.at >= since_ && event.at < until_;
    follow(event, now, is_counted ? counted[event.hotkey] : discarded);
  }

  std::map<std::string, ValidatorStatistics> counted;

 private:
  static void follow(const Event& event, UnderWay& now, ValidatorStatistics& row) {
    switch (event.kind) {
      case EventKind::pulling:
        now.pulling = event.at;
        break;
      case EventKind::assigned:
        add_call(row.pull, event, now.pulling);
        if (now.task_id != event.task_id) {
          now = UnderWay();
          now.task_id = event.task_id;
          now.assigned_at = event.at;
          now.throttle =
              std::chrono::seconds(std::clamp<std::int64_t>(event.throttle_period, 0, 86'400));
          ++row.pulled;
        }
        break;
      case EventKind::cooldown:
        add_call(row.pull, event, now.pulling);
        row.violations += event.violations > 0 ? 1 : 0;
        break;
      case EventKind::pull_failed:
        now.pulling.reset();
        ++row.pull_failures;
        break;
      case EventKind::generating:
        now.generating[event.attempt] = event.at;
        break;
      case EventKind::discarded:
        ++row.discarded;
        take_duration(event, now, row);
        break;
      case EventKind::candidate_ready:
        take_candidate(event, now, row);
        break;
      case EventKind::generation_failed:
        ++row.generation_failures;
        break;
      case EventKind::submitting:
        now.submitting = event.at;
        now.sent = event.artifact;
        break;
      case EventKind::submit_failed:
        now.submitting.reset();
        ++row.submit_failures;
        break;
      default:
        break;
    }
    if (is_outcome(event.kind)) {
      end_task(event, now, row);
    }
  }

  static void take_candidate(const Event& event, UnderWay& now, ValidatorStatistics& row) {
    now.best = std::max(now.best.value_or(event.score), event.score);
    if (!event.artifact.empty()) {
      now.scores[event.artifact] = event.score;
    }
    take_duration(event, now, row);
  }

  static void take_duration(const Event& event, UnderWay& now, ValidatorStatistics& row) {
    ++row.candidates;
    const auto began = now.generating.find(event.attempt);
    if (event.seconds > 0) {
      row.generation.add(event.seconds);
    } else if (began != now.generating.end()) {
      row.generation.add(to_seconds(event.at - began->second));
    }
  }

  static void end_task(const Event& event, UnderWay& now, ValidatorStatistics& row) {
    if (event.kind != EventKind::settled) {  // which a pull's reply tells, not a submission's
      add_call(row.submit, event, now.submitting);
    }
    row.accepted += event.kind == EventKind::accepted ? 1 : 0;
    row.empty += event.kind == EventKind::emptied ? 1 : 0;
    row.rejected += event.kind == EventKind::rejected ? 1 : 0;
    row.settled += event.kind == EventKind::settled ? 1 : 0;
    row.validator_faults += event.kind == EventKind::validator_failed ? 1 : 0;
    if (event.rating > 0) {
      row.rating = event.rating;
      row.reward = event.reward;
    }
    if (now.task_id == event.task_id) {
      const Duration late = event.at - now.assigned_at - now.throttle;
      row.overrun.add(std::max(0.0, to_seconds(late)));
      const auto sent = now.scores.find(now.sent);
      const std::optional<double> predicted = sent != now.scores.end() ? sent->second : now.best;
      if (event.kind == EventKind::accepted && predicted) {
        const double error = *predicted - event.score;
        row.predicted.add(*predicted);
        row.returned.add(event.score);
        row.error.add(error);
        row.squared_error.add(error * error);
      }
    }
    const std::optional<Time> pulling = now.pulling;  // whose reply may have told of a settled task
    now = UnderWay();
    now.pulling = pulling;
  }

  Time since_, until_;
  std::map<std::string, UnderWay> under_way_;
};

void add(ValidatorStatistics& total, const ValidatorStatistics& row) {
  total.pulled += row.pulled;
  total.accepted += row.accepted;
  total.empty += row.empty;
  total.rejected += row.rejected;
  total.settled += row.settled;
  total.validator_faults += row.validator_faults;
  total.violations += row.violations;
  total.pull_failures += row.pull_failures;
  total.submit_failures += row.submit_failures;
  total.generation_failures += row.generation_failures;
  total.candidates += row.candidates;
  total.discarded += row.discarded;
  total.bound += row.bound;
  total.predicted.add(row.predicted);
  total.returned.add(row.returned);
  total.error.add(row.error);
  total.squared_error.add(row.squared_error);
  total.generation.add(row.generation);
  total.pull.add(row.pull);
  total.submit.add(row.submit);
  total.overrun.add(row.overrun);
  total.reward += row.reward;
}

Json quantiles(const Sample& sample) {
  return {{"n", sample.size()},           {"mean", sample.mean()},
          {"p50", sample.quantile(0.5)},  {"p90", sample.quantile(0.9)},
          {"p99", sample.quantile(0.99)}, {"max", sample.quantile(1)}};
}

Json row_json(const ValidatorStatistics& row) {
  return {{"pulled", row.pulled},
          {"accepted", row.accepted},
          {"bound", row.bound},
          {"ratio", row.bound > 0 ? row.accepted / row.bound : 0.0},
          {"empty", row.empty},
          {"rejected", row.rejected},
          {"settled", row.settled},
          {"validator_faults", row.validator_faults},
          {"violations", row.violations},
          {"pull_failures", row.pull_failures},
          {"submit_failures", row.submit_failures},
          {"generation_failures", row.generation_failures},
          {"acceptance_rate", row.acceptance_rate()},
          {"discarded", row.discarded},
          {"candidates_per_task", row.pulled == 0 ? 0.0 : double(row.candidates) / row.pulled},
          {"predicted_score", row.predicted.mean()},
          {"returned_score", row.returned.mean()},
          {"score_bias", row.error.mean()},
          {"score_rms_error", std::sqrt(row.squared_error.mean())},
          {"generation_seconds", quantiles(row.generation)},
          {"pull_seconds", quantiles(row.pull)},
          {"submit_seconds", quantiles(row.submit)},
          {"overrun_seconds", quantiles(row.overrun)},
          {"rating", row.rating},
          {"reward", row.reward}};
}

std::string table_line(const std::string& name, const Json& row) {
  const auto number = [&](const char* key) { return row.at(key).get<double>(); };
  const auto quantile = [&](const char* key, const char* which) {
    return row.at(key).at("n").get<int>() == 0
               ? std::string("-")
               : fmt::format("{:.2f}", row.at(key).at(which).get<double>());
  };
  return fmt::format(
      "{:<14.14}{:>5}/{:<6.1f}{:>5}{:>5}{:>5}{:>5}{:>6.1f}%{:>6.2f}{:>7.3f}{:>7.3f}{:>8}{:>8}{:>7}"
      "{:>7}{:>8}{:>8.0f}{:>9.0f}\n",
      name, row.at("accepted").get<int>(), number("bound"), row.at("empty").get<int>(),
      row.at("rejected").get<int>(), row.at("settled").get<int>(), row.at("violations").get<int>(),
      100 * number("acceptance_rate"), number("candidates_per_task"), number("predicted_score"),
      number("returned_score"), quantile("generation_seconds", "p50"),
      quantile("generation_seconds", "p90"), quantile("pull_seconds", "p50"),
      quantile("submit_seconds", "p50"), quantile("overrun_seconds", "mean"), number("rating"),
      number("reward"));
}

}  // namespace

void Sample::add(const Sample& other) {
  values_.insert(values_.end(), other.values_.begin(), other.values_.end());
}

double Sample::mean() const {
  return values_.empty() ? 0
                         : std::accumulate(values_.begin(), values_.end(), 0.0) /
                               static_cast<double>(values_.size());
}

double Sample::quantile(double q) const {
  if (values_.empty()) {
    return 0;
  }
  const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(values_.size())));
  std::vector<double> values = values_;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(rank, 1) - 1);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

Statistics compute_statistics(const std::vector<Event>& events, const Ledger& ledger, Time since,
                              Time until) {
  Statistics statistics{since, until, {}, {}};
  // A miner that began two hours ago cannot have done four hours' work.
  statistics.since = events.empty() ? until : std::clamp(events.front().at, since, until);
  Counter counter(statistics.since, until);
  for (const Event& event : events) {
    counter.take(event);
  }
  statistics.validators = std::move(counter.counted);
  const double windows = to_seconds(until - statistics.since) / to_seconds(kBoundWindow);
  for (auto& [hotkey, row] : statistics.validators) {
    row.bound = kBoundPerWindow * windows;
    if (row.rating == 0) {
      row.rating = ledger.row(hotkey).rating;
      row.reward = ledger.row(hotkey).reward;
    }
    add(statistics.total, row);
    statistics.total.rating += row.rating / static_cast<double>(statistics.validators.size());
  }
  return statistics;
}

Json to_json(const Statistics& statistics, const std::map<std::string, int>& uids) {
  Json json = {{"since", format_time(statistics.since)},
               {"until", format_time(statistics.until)},
               {"hours", to_seconds(statistics.until - statistics.since) / 3600},
               {"validators", Json::array()},
               {"total", row_json(statistics.total)}};
  for (const auto& [hotkey, row] : statistics.validators) {
    Json line = row_json(row);
    const auto uid = uids.find(hotkey);
    line["uid"] = uid == uids.end() ? -1 : uid->second;
    line["hotkey"] = hotkey;
    json["validators"].push_back(std::move(line));
  }
  std::sort(json["validators"].begin(), json["validators"].end(),
            [](const Json& a, const Json& b) { return a["uid"] < b["uid"]; });
  return json;
}

std::string format_statistics(const Json& statistics) {
  std::string text = fmt::format(
      "{} to {} UTC, {:.2f} h\n{:<14}{:>5}/{:<6}{:>5}{:>5}{:>5}{:>5}{:>7}{:>6}{:>7}{:>7}{:>8}{:>8}"
      "{:>7}{:>7}{:>8}{:>8}{:>9}\n",
      statistics.at("since").get<std::string>(), statistics.at("until").get<std::string>(),
      statistics.at("hours").get<double>(), "validator", "acc", "bound", "empt", "rej", "sett",
      "viol", "rate", "cand", "ours", "theirs", "gen p50", "gen p90", "pull", "submit", "overrun",
      "rating", "reward");
  for (const Json& row : statistics.at("validators")) {
    const int uid = row.at("uid").get<int>();
    const auto hotkey = row.at("hotkey").get<std::string>();
    text += table_line(uid < 0 ? hotkey : fmt::format("{} {}", uid, hotkey.substr(0, 8)), row);
  }
  return text + table_line("total", statistics.at("total"));
}

}  // namespace lode::miner
