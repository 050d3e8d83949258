#include "simulate/report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace lode::simulate {

nlohmann::ordered_json to_json(const Outcome& outcome) {
  nlohmann::ordered_json json = {{"policy", outcome.policy},
                                 {"hours", outcome.hours},
                                 {"accepted", outcome.accepted},
                                 {"empty", outcome.empty},
                                 {"rejected", outcome.rejected},
                                 {"violations", outcome.violations},
                                 {"bound", outcome.bound},
                                 {"ratio", outcome.ratio},
                                 {"attainable", outcome.attainable},
                                 {"attainable_ratio", outcome.attainable_ratio},
                                 {"bound_without_scorer", outcome.bound_without_scorer},
                                 {"windows", outcome.windows},
                                 {"accepted_per_4h", outcome.accepted_per_4h},
                                 {"standard_error", nullptr},
                                 {"most_in_a_window", outcome.most_in_a_window},
                                 {"pulled", outcome.pulled},
                                 {"forbidden", outcome.forbidden},
                                 {"duplicates", outcome.duplicates},
                                 {"dropped", outcome.dropped},
                                 {"generated", outcome.generated},
                                 {"wasted", outcome.wasted},
                                 {"cancelled", outcome.cancelled},
                                 {"generation_failures", outcome.generation_failures},
                                 {"candidates_per_task", outcome.candidates_per_task},
                                 {"overrun_seconds", outcome.overrun_seconds},
                                 {"quality", outcome.quality},
                                 {"busy_share", outcome.busy_share}};
  if (outcome.standard_error) {
    json["standard_error"] = *outcome.standard_error;
  }
  return json;
}

nlohmann::ordered_json to_json(const Config& config) {
  return {{"validators", config.validators},
          {"workers", config.workers},
          {"warm_up_hours", config.warm_up_hours},
          {"seed", config.seed},
          {"generation", config.generation.describe()},
          {"generation_failures", config.generation_failures},
          {"pull_seconds", config.pull_seconds},
          {"submit_seconds", config.submit_seconds},
          {"latency_spread", config.latency_spread},
          {"fault_pulls", config.fault_pulls},
          {"fault_submits", config.fault_submits},
          {"fault_replies", config.fault_replies},
          {"clock_offset", config.clock_offset},
          {"reject_rate", config.quality.reject_rate},
          {"score_mean", config.quality.mean},
          {"score_spread", config.quality.spread},
          {"scorer", config.has_scorer},
          {"extras", config.has_extras},
          {"scorer_recall", config.quality.recall},
          {"scorer_false_alarms", config.quality.false_alarms},
          {"scorer_error", config.quality.error},
          {"scorer_bias", config.quality.bias},
          {"owner", config.has_owner},
          {"pull_timeout", config.pull_timeout},
          {"submit_timeout", config.submit_timeout}};
}

std::string describe(const Config& config) {
  std::string line = fmt::format("V={}, W={}, generation {}", config.validators, config.workers,
                                 config.generation.describe());
  if (config.fault_pulls > 0 || config.fault_submits > 0 || config.fault_replies > 0) {
    line += fmt::format(", pulls/submissions/replies lost {:.3g}/{:.3g}/{:.3g} %",
                        100 * config.fault_pulls, 100 * config.fault_submits,
                        100 * config.fault_replies);
  }
  if (config.quality.reject_rate > 0) {
    line += fmt::format(", {:.3g} % below the threshold", 100 * config.quality.reject_rate);
  }
  if (config.clock_offset > 0) {
    line += fmt::format(", clocks +-{:.3g} s", config.clock_offset);
  }
  return line + fmt::format(", {:.4g} h, seed {}", config.hours, config.seed);
}

std::string format_table(const std::vector<Outcome>& outcomes) {
  std::string table = fmt::format(
      "{:8}{:>10}{:>8}{:>10}{:>7}{:>9}{:>9}{:>10}{:>11}{:>8}{:>9}{:>9}{:>10}{:>8}{:>9}\n", "policy",
      "accepted", "empty", "rejected", "viol.", "of bound", "of att.", "per 4 h", "+-", "made",
      "wasted", "a task", "overrun s", "quality", "dropped");
  for (const Outcome& one : outcomes) {
    const std::string error =
        one.standard_error ? fmt::format("{:.2f}", *one.standard_error) : std::string("-");
    table += fmt::format(
        "{:8}{:>10}{:>8}{:>10}{:>7}{:>7.2f} %{:>7.2f} "
        "%{:>10.1f}{:>11}{:>8}{:>9}{:>9.2f}{:>10.2f}{:>8.3f}"
        "{:>9}\n",
        one.policy, one.accepted, one.empty, one.rejected, one.violations, 100 * one.ratio,
        100 * one.attainable_ratio, one.accepted_per_4h, error, one.generated, one.wasted,
        one.candidates_per_task, one.overrun_seconds, one.quality, one.dropped);
  }
  if (!outcomes.empty()) {
    table += fmt::format("bound   {:>10.1f}; {:.1f} attainable with waits", outcomes[0].bound,
                         outcomes[0].attainable);
    if (outcomes[0].bound_without_scorer < outcomes[0].bound) {
      table += fmt::format("; {:.1f} for a miner that sends everything",
                           outcomes[0].bound_without_scorer);
    }
    table += "\n";
  }
  return table;
}

}  // namespace lode::simulate
