// lode simulate: the miner and others' policies in virtual time, against the validators' rules.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "lode/commands.h"
#include "miner/journal.h"
#include "simulate/fit.h"
#include "simulate/plot.h"
#include "simulate/report.h"
#include "simulate/world.h"

namespace lode::commands {
namespace {

struct SimulateOptions {
  simulate::Config config;
  std::string policy = "lode";
  std::string generation = "15-25";
  double generation_mean = 0;  ///< fitted; 0: take `generation`
  double spread = 0.3;
  double fault_rate = 0;
  double correlation = 0;  ///< 0: take config.quality.error
  bool no_scorer = false, no_extras = false, no_owner = false;
  std::string journal;
  std::string plot;
  bool json = false;
};

/// A real-valued parameter: a flag, and what a journal may tell.
struct RealFlag {
  const char* name;
  double* value;
  const char* help;
};

std::vector<RealFlag> real_flags(SimulateOptions& options) {
  simulate::Config& config = options.config;
  simulate::QualityModel& quality = config.quality;
  return {
      {"hours", &config.hours, "Virtual hours to measure, after the warm-up"},
      {"warm-up", &config.warm_up_hours, "Virtual hours before that"},
      {"spread", &options.spread, "Coefficient of variation of the generation time around A"},
      {"generation-failures", &config.generation_failures, "Share of generations that fail"},
      {"pull-seconds", &config.pull_seconds, "A pull from sending to reply"},
      {"submit-seconds", &config.submit_seconds, "A submission from sending to verdict"},
      {"latency-spread", &config.latency_spread, "Coefficient of variation of both"},
      {"fault-rate", &options.fault_rate, "Share of pulls, submissions and replies lost"},
      {"fault-pulls", &config.fault_pulls, "Share of pulls that never arrive"},
      {"fault-submits", &config.fault_submits, "Share of submissions that never arrive"},
      {"fault-replies", &config.fault_replies, "Share of submissions processed but not answered"},
      {"clock-offset", &config.clock_offset, "Validators' clocks differ by up to so many seconds"},
      {"reject-rate", &quality.reject_rate, "Share of candidates truly below the threshold"},
      {"score-mean", &quality.mean, "Mean true score of the other candidates"},
      {"score-spread", &quality.spread, "Standard deviation of their true scores"},
      {"scorer-recall", &quality.recall, "Share of bad candidates that the own scorer finds bad"},
      {"scorer-false-alarms", &quality.false_alarms, "Share of good ones that it finds bad"},
      {"scorer-error", &quality.error, "Standard deviation of its scores' error"},
      {"scorer-bias", &quality.bias, "Added to all its scores, whatever it finds"},
      {"pull-timeout", &config.pull_timeout, "Seconds that lode waits for a pull's reply"},
      {"submit-timeout", &config.submit_timeout, "Most seconds that it waits for a submission's"}};
}

/// Takes what the journal tells for each flag that was not given, and says so.
Result<std::vector<simulate::FittedValue>> fit(SimulateOptions& options, const CLI::App& command) {
  LODE_TRY(const miner::Journal journal, miner::Journal::open_read_only(options.journal));
  LODE_TRY(const auto events, journal.events());
  auto fitted = simulate::fit_events(events);
  auto flags = real_flags(options);
  flags.push_back({"generation-seconds", &options.generation_mean, ""});
  const auto is_given = [&](const std::string& name) {
    return command.get_option("--" + name)->count() > 0;
  };
  std::erase_if(fitted, [&](const auto& value) {
    const bool is_fault = value.name.starts_with("fault-");
    return is_given(value.name) || (is_fault && is_given("fault-rate"));
  });
  for (const auto& value : fitted) {
    for (const RealFlag& flag : flags) {
      if (value.name == flag.name) {
        *flag.value = value.value;
      }
    }
  }
  if (fitted.empty()) {
    return fail(Errc::invalid_input,
                fmt::format("{}: nothing to fit in {} events; {} observations of a kind are needed",
                            options.journal, events.size(), simulate::kMinSamples));
  }
  return fitted;
}

/// The flags' values as a configuration, which is valid.
Result<void> complete(SimulateOptions& options, const CLI::App& command) {
  simulate::Config& config = options.config;
  if (command.get_option("--fault-rate")->count() > 0) {
    for (auto [name, value] : {std::pair{"--fault-pulls", &config.fault_pulls},
                               std::pair{"--fault-submits", &config.fault_submits},
                               std::pair{"--fault-replies", &config.fault_replies}}) {
      if (command.get_option(name)->count() == 0) {
        *value = options.fault_rate;
      }
    }
  }
  if (options.generation_mean > 0) {
    options.generation = fmt::format("{}", options.generation_mean);
  }
  LODE_TRY(config.generation, simulate::parse_generation_time(options.generation, options.spread));
  if (command.get_option("--scorer-correlation")->count() > 0) {
    if (!(options.correlation > 0 && options.correlation <= 1)) {
      return fail(Errc::invalid_input,
                  fmt::format("scorer-correlation {:g}: above 0 and at most 1 was expected",
                              options.correlation));
    }
    config.quality.error =
        simulate::error_for_correlation(options.correlation, config.quality.spread);
  }
  config.has_scorer = !options.no_scorer;
  config.has_extras = !options.no_extras;
  config.has_owner = !options.no_owner;
  return simulate::validate(config);
}

Result<std::vector<simulate::PolicyKind>> chosen_policies(const std::string& name) {
  using simulate::PolicyKind;
  if (name == "all") {
    return std::vector{PolicyKind::base, PolicyKind::poll10, PolicyKind::lode};
  }
  LODE_TRY(const PolicyKind kind, simulate::policy_kind_from(name));
  return std::vector{kind};
}

/// One object: the last policy's numbers (lode's, of all), the parameters, and each policy's.
nlohmann::ordered_json report(const SimulateOptions& options,
                              const std::vector<simulate::FittedValue>& fitted,
                              const std::vector<simulate::Outcome>& outcomes) {
  nlohmann::ordered_json json = simulate::to_json(outcomes.back());
  json["parameters"] = simulate::to_json(options.config);
  if (!options.journal.empty()) {
    json["fitted"] = nlohmann::ordered_json::object();
    for (const auto& value : fitted) {
      json["fitted"][value.name] = {{"value", value.value}, {"samples", value.samples}};
    }
  }
  if (outcomes.size() > 1) {
    json["policies"] = nlohmann::ordered_json::array();
    for (const auto& outcome : outcomes) {
      json["policies"].push_back(simulate::to_json(outcome));
    }
  }
  return json;
}

Result<void> simulate_and_report(SimulateOptions& options, const CLI::App& command) {
  LODE_TRY(const auto kinds, chosen_policies(options.policy));
  std::vector<simulate::FittedValue> fitted;
  if (!options.journal.empty()) {
    LODE_TRY(fitted, fit(options, command));
  }
  LODE_CHECK(complete(options, command));
  std::vector<simulate::Outcome> outcomes;
  for (const auto kind : kinds) {
    outcomes.push_back(simulate::run(options.config, kind));
  }
  if (!options.plot.empty()) {
    LODE_CHECK(write_file(options.plot, as_bytes(simulate::plot_svg(options.config, outcomes))));
  }
  if (options.json) {
    cli::print_json(report(options, fitted, outcomes));
    return {};
  }
  for (const auto& value : fitted) {
    std::cout << fmt::format("fitted {:20} {:10.4g}  from {}\n", value.name, value.value,
                             value.samples);
  }
  std::cout << simulate::describe(options.config) << '\n' << simulate::format_table(outcomes);
  return {};
}

int run(SimulateOptions& options, const CLI::App& command) {
  if (!options.plot.empty() && std::filesystem::path(options.plot).extension() != ".svg") {
    std::fprintf(stderr, "lode: %s: a plot is an .svg file\n", options.plot.c_str());
    return cli::kUsage;
  }
  const Result<void> done = simulate_and_report(options, command);
  return done ? cli::kDone : cli::report(done.error());
}

}  // namespace

void add_simulate(CLI::App& app, cli::Action& chosen) {
  auto options = std::make_shared<SimulateOptions>();
  CLI::App* command =
      app.add_subcommand("simulate", "Run mining policies in virtual time, against the rules");
  command->configurable();
  command->add_option("--validators", options->config.validators, "Validators that serve")
      ->capture_default_str();
  command->add_option("--workers", options->config.workers, "Workers: one generation each")
      ->capture_default_str();
  command
      ->add_option("--generation-seconds", options->generation,
                   "A: lognormal with mean A and --spread; A-B: uniform")
      ->capture_default_str();
  for (const RealFlag& flag : real_flags(*options)) {
    command->add_option(std::string("--") + flag.name, *flag.value, flag.help)
        ->capture_default_str();
  }
  command
      ->add_option("--scorer-correlation", options->correlation,
                   "Of own and true scores of good candidates, instead of --scorer-error")
      ->excludes(command->get_option("--scorer-error"));
  command->add_flag("--no-scorer", options->no_scorer, "lode sends what it makes, unjudged");
  command->add_flag("--no-extras", options->no_extras,
                    "lode makes no second candidate of a task whose first one can be sent");
  command->add_flag("--no-owner", options->no_owner,
                    "The subnet's owner is no validator: base loses every fifth turn");
  command->add_option("--policy", options->policy, "base, poll10, lode or all")
      ->capture_default_str();
  command->add_option("--seed", options->config.seed, "Of everything random")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--from-journal", options->journal,
                      "Fit what no flag gives from a miner's journal");
  command->add_option("--plot", options->plot, "Also draw accepted results over time: FILE.svg");
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options, command, &chosen] {
    chosen = [options, command] { return run(*options, *command); };
  });
}

}  // namespace lode::commands
