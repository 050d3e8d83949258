#include "miner/metrics.h"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace lode::miner {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<std::pair<std::string, std::string>>;

constexpr State kStates[] = {
    State::skipped,    State::starting,   State::ready,   State::pulling,     State::queued,
    State::generating, State::submitting, State::cooling, State::backing_off, State::draining};
constexpr const char* kWorkerStates[] = {"starting", "idle",  "busy", "unhealthy",
                                         "open",     "trial", "held"};

MetricFamily family(const char* name, const char* help, MetricType type) {
  MetricFamily result;
  result.name = name;
  result.help = help;
  result.type = type;
  return result;
}

void add(MetricFamily& family, double value, const Labels& labels) {
  ClientMetric metric;
  for (const auto& [name, text] : labels) {
    metric.label.push_back({name, text});
  }
  if (family.type == MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  family.metric.push_back(std::move(metric));
}

MetricFamily single(const char* name, const char* help, double value) {
  MetricFamily result = family(name, help, MetricType::Gauge);
  add(result, value, {});
  return result;
}

Labels labels_of(const ValidatorView& view) {
  return {{"uid", std::to_string(view.neuron.uid)}, {"hotkey", view.neuron.hotkey}};
}

/// One number of each validator.
struct RowMetric {
  const char* name;
  const char* help;
  MetricType type;
  double (*value)(const LedgerRow& row);
};

constexpr RowMetric kRowMetrics[] = {
    {"lode_validator_pulled_total", "Tasks assigned.", MetricType::Counter,
     [](const LedgerRow& row) { return double(row.pulled); }},
    {"lode_validator_accepted_total", "Results accepted.", MetricType::Counter,
     [](const LedgerRow& row) { return double(row.accepted); }},
    {"lode_validator_empty_total", "Empty submissions taken.", MetricType::Counter,
     [](const LedgerRow& row) { return double(row.empty); }},
    {"lode_validator_rejected_total", "Results scored below the threshold.", MetricType::Counter,
     [](const LedgerRow& row) { return double(row.rejected); }},
    {"lode_validator_settled_total", "Tasks that ended with their outcome unseen.",
     MetricType::Counter, [](const LedgerRow& row) { return double(row.settled); }},
    {"lode_validator_violations_total", "Pulls answered as too early.", MetricType::Counter,
     [](const LedgerRow& row) { return double(row.violations); }},
    {"lode_validator_pull_failures_total", "Pulls without a usable answer.", MetricType::Counter,
     [](const LedgerRow& row) { return double(row.pull_failures); }},
    {"lode_validator_submit_failures_total", "Submissions without a usable answer.",
     MetricType::Counter, [](const LedgerRow& row) { return double(row.submit_failures); }},
    {"lode_validator_generation_failures_total", "Candidates that a worker failed to make.",
     MetricType::Counter, [](const LedgerRow& row) { return double(row.generation_failures); }},
    {"lode_validator_window_results", "Accepted results that count at this moment.",
     MetricType::Gauge, [](const LedgerRow& row) { return double(row.window_count); }},
    {"lode_validator_rating", "Duel rating as last told.", MetricType::Gauge,
     [](const LedgerRow& row) { return row.rating; }},
    {"lode_validator_reward", "Reward as last told.", MetricType::Gauge,
     [](const LedgerRow& row) { return row.reward; }},
    {"lode_validator_threshold", "Score below which a result is rejected.", MetricType::Gauge,
     [](const LedgerRow& row) { return row.threshold; }},
};

void add_validators(const Snapshot& snapshot, std::vector<MetricFamily>& families) {
  for (const RowMetric& row_metric : kRowMetrics) {
    MetricFamily result = family(row_metric.name, row_metric.help, row_metric.type);
    for (const ValidatorView& view : snapshot.validators) {
      add(result, row_metric.value(view.ledger), labels_of(view));
    }
    families.push_back(std::move(result));
  }
  MetricFamily state = family("lode_validator_state", "1 for the state it is in, 0 for the others.",
                              MetricType::Gauge);
  MetricFamily wait = family("lode_validator_wait_seconds",
                             "Until its wait ends: a cooldown, a pause or its turn; 0 for none.",
                             MetricType::Gauge);
  MetricFamily offset = family("lode_validator_clock_offset_seconds",
                               "Its clock minus ours; absent until known.", MetricType::Gauge);
  for (const ValidatorView& view : snapshot.validators) {
    const Labels labels = labels_of(view);
    for (const State one : kStates) {
      Labels with_state = labels;
      with_state.emplace_back("state", to_string(one));
      add(state, view.state == one ? 1 : 0, with_state);
    }
    add(wait, view.until ? std::max(0.0, to_seconds(*view.until - snapshot.at)) : 0, labels);
    if (view.clock_offset) {
      add(offset, to_seconds(*view.clock_offset), labels);
    }
  }
  families.push_back(std::move(state));
  families.push_back(std::move(wait));
  families.push_back(std::move(offset));
}

void add_workers(const Snapshot& snapshot, std::vector<MetricFamily>& families) {
  MetricFamily states = family("lode_workers", "Workers by state.", MetricType::Gauge);
  for (const char* state : kWorkerStates) {
    const auto count = std::count_if(snapshot.workers.begin(), snapshot.workers.end(),
                                     [&](const WorkerView& w) { return w.state == state; });
    add(states, static_cast<double>(count), {{"state", state}});
  }
  MetricFamily finished =
      family("lode_worker_finished_total", "Tasks that a worker finished.", MetricType::Counter);
  MetricFamily failed =
      family("lode_worker_failed_total", "Tasks that failed at a worker.", MetricType::Counter);
  MetricFamily restarts =
      family("lode_worker_restarts_total", "Restarts of a local worker.", MetricType::Counter);
  MetricFamily seconds =
      family("lode_worker_task_seconds",
             "Running mean of a task's time at a worker; absent until known.", MetricType::Gauge);
  for (const WorkerView& worker : snapshot.workers) {
    const Labels labels{{"worker", worker.name}};
    add(finished, static_cast<double>(worker.finished), labels);
    add(failed, static_cast<double>(worker.failed), labels);
    add(restarts, static_cast<double>(worker.restarts), labels);
    if (worker.seconds) {
      add(seconds, *worker.seconds, labels);
    }
  }
  for (MetricFamily* each : {&states, &finished, &failed, &restarts, &seconds}) {
    families.push_back(std::move(*each));
  }
}

MetricFamily stage_histograms(const Snapshot& snapshot) {
  MetricFamily stages =
      family("lode_stage_seconds", "How long the stages of a task took.", MetricType::Histogram);
  for (const auto& [stage, timing] : snapshot.stages) {
    ClientMetric metric;
    metric.label.push_back({"stage", stage});
    metric.histogram.sample_count = static_cast<std::uint64_t>(timing.count);
    metric.histogram.sample_sum = timing.total_seconds;
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < timing.buckets.size(); ++i) {
      below += static_cast<std::uint64_t>(timing.buckets[i]);
      const bool is_last = i == Timing::kBounds.size();
      metric.histogram.bucket.push_back(
          {below, is_last ? std::numeric_limits<double>::infinity() : Timing::kBounds[i]});
    }
    stages.metric.push_back(std::move(metric));
  }
  return stages;
}

}  // namespace

std::string metrics_text(const Snapshot& snapshot) {
  std::vector<MetricFamily> families;
  add_validators(snapshot, families);
  add_workers(snapshot, families);
  families.push_back(single("lode_queued", "Tasks that wait for a worker.", snapshot.queued));
  families.push_back(
      single("lode_generating", "Candidates that are being made.", snapshot.generating));
  families.push_back(stage_histograms(snapshot));
  if (snapshot.clock_skew) {
    families.push_back(single("lode_clock_skew_seconds", "The validators' clocks minus ours.",
                              to_seconds(*snapshot.clock_skew)));
  }
  if (snapshot.chain) {
    families.push_back(single("lode_chain_connected", "1 while a node of the chain answers.",
                              snapshot.chain->is_connected ? 1 : 0));
    if (snapshot.chain->read_at) {
      families.push_back(single("lode_metagraph_age_seconds",
                                "Since the metagraph in use was read.",
                                to_seconds(snapshot.at - *snapshot.chain->read_at)));
    }
  }
  if (snapshot.journal_bytes) {
    families.push_back(single("lode_journal_bytes", "Size of the journal's file.",
                              static_cast<double>(*snapshot.journal_bytes)));
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace lode::miner
