// Prints the tables of src/simulate/README.md: policies by workers and generation time, and by
// fault, beside the figures of an earlier simulation that was written independently.
//
//   simulate_tables [--table timing|faults|reach|all] [--hours 380] [--seed 1] [--svg FILE]
//
// Eight validators, a pull of 1 s, a submission of 2 s; accepted results per 4 hours. The plot is
// of a day with all of the faults.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "base/file.h"
#include "simulate/plot.h"
#include "simulate/world.h"

namespace {

using namespace lode;
using simulate::PolicyKind;

constexpr std::array kPolicies{PolicyKind::base, PolicyKind::poll10, PolicyKind::lode};
constexpr double kSpread = 0.3;
constexpr double kLeastHours = 4;

/// Figures of the earlier simulation, in the order of kPolicies.
struct TimingRow {
  int workers;
  int seconds;
  std::array<double, 3> steady;  ///< every generation of the same length
  std::array<double, 3> spread;  ///< lognormal, coefficient of variation 0.3
};
constexpr std::array kTiming{TimingRow{1, 15, {378.9, 384.0, 384.0}, {375.9, 383.9, 383.9}},
                             TimingRow{1, 20, {378.9, 384.0, 384.0}, {374.9, 382.8, 383.1}},
                             TimingRow{1, 25, {378.9, 384.0, 384.0}, {371.2, 378.6, 379.8}},
                             TimingRow{1, 30, {378.9, 376.5, 381.5}, {363.3, 370.7, 372.5}},
                             TimingRow{1, 45, {300.0, 320.0, 320.0}, {298.9, 315.5, 316.0}},
                             TimingRow{1, 60, {228.6, 240.0, 240.0}, {228.8, 240.2, 240.2}},
                             TimingRow{2, 15, {381.4, 384.0, 384.0}, {378.1, 383.9, 383.9}},
                             TimingRow{2, 20, {381.4, 384.0, 384.0}, {377.4, 383.1, 383.4}},
                             TimingRow{2, 25, {381.4, 384.0, 384.0}, {375.2, 380.7, 381.5}},
                             TimingRow{2, 30, {369.2, 376.5, 381.5}, {371.4, 376.5, 377.8}},
                             TimingRow{2, 45, {357.7, 362.3, 363.4}, {354.4, 358.8, 360.8}},
                             TimingRow{2, 60, {336.8, 342.9, 347.0}, {335.7, 340.1, 341.8}},
                             TimingRow{3, 15, {378.9, 384.0, 384.0}, {379.1, 383.9, 383.9}},
                             TimingRow{3, 30, {374.0, 376.5, 381.5}, {372.9, 376.9, 378.2}},
                             TimingRow{3, 60, {340.8, 342.9, 347.0}, {340.8, 343.9, 345.8}},
                             TimingRow{4, 15, {376.4, 384.0, 384.0}, {379.5, 383.9, 383.9}},
                             TimingRow{4, 20, {376.4, 384.0, 384.0}, {378.9, 383.2, 383.4}},
                             TimingRow{4, 30, {376.4, 376.5, 381.5}, {373.6, 376.9, 378.2}},
                             TimingRow{4, 45, {353.4, 362.3, 363.4}, {358.4, 360.8, 362.8}},
                             TimingRow{4, 60, {342.9, 342.9, 347.0}, {342.3, 344.6, 346.5}}};

struct FaultRow {
  const char* name;
  double pulls, submits, replies, rejects;
  std::array<double, 3> expected;
};
constexpr std::array kFaults{
    FaultRow{"none", 0, 0, 0, 0, {375.8, 380.2, 383.3}},
    FaultRow{"2 % of pulls lost", .02, 0, 0, 0, {368.8, 380.0, 383.2}},
    FaultRow{"2 % of submissions lost", 0, .02, 0, 0, {360.4, 371.1, 382.7}},
    FaultRow{"2 % of replies lost", 0, 0, .02, 0, {368.2, 380.2, 383.3}},
    FaultRow{"all three", .02, .02, .02, 0, {346.3, 371.7, 382.6}},
    FaultRow{"10 % of assets below the threshold", 0, 0, 0, .1, {282.6, 285.0, 370.1}},
    FaultRow{"25 % of assets below the threshold", 0, 0, 0, .25, {187.8, 191.1, 330.1}},
    FaultRow{"all three and 10 %", .02, .02, .02, .1, {263.3, 279.1, 367.0}}};

simulate::Config base_config(double hours, std::uint64_t seed) {
  simulate::Config config;
  config.hours = hours;
  config.validators = 8;
  config.seed = seed;
  return config;
}

/// "346.3 (+0.2)": a result and its distance from the earlier one.
std::string cell(double measured, double expected) {
  return fmt::format("{:.1f} ({:+.1f})", measured, measured - expected);
}

/// What 'pull at expiry' of the earlier simulation is: no scorer, one candidate a task; and of
/// poll10 the forms that it had: rounds that always last a pull, and no generation given up.
std::string timing_cells(simulate::Config config, const std::array<double, 3>& expected) {
  config.has_scorer = false;
  config.poll10.generation_timeout = Duration::zero();
  config.poll10.idle_rounds_take_a_pull = true;
  std::string cells;
  for (std::size_t i = 0; i < kPolicies.size(); ++i) {
    const simulate::Outcome out = simulate::run(config, kPolicies[i]);
    cells += " " + cell(out.accepted_per_4h, expected[i]);
    if (static_cast<double>(out.dropped) * 4 / out.hours >= 0.5) {
      cells += fmt::format(", {:.0f} dropped", static_cast<double>(out.dropped) * 4 / out.hours);
    }
    cells += " |";
  }
  const double bound = simulate::bound(simulate::bound_input(config), 4 * 3600);
  return cells + fmt::format(" {:.1f} |", bound);
}

void print_timing(const simulate::Config& defaults) {
  fmt::print(
      "| W | g | base, spread 0 | poll10, spread 0 | lode, spread 0 | bound | base, spread .3 | "
      "poll10, spread .3 | lode, spread .3 | bound |\n|---|---|---|---|---|---|---|---|---|---|\n");
  for (const TimingRow& row : kTiming) {
    simulate::Config config = defaults;
    config.workers = row.workers;
    config.generation = simulate::GenerationTime::lognormal(row.seconds, 0);
    std::string line = fmt::format("| {} | {} |", row.workers, row.seconds);
    line += timing_cells(config, row.steady);
    config.generation = simulate::GenerationTime::lognormal(row.seconds, kSpread);
    line += timing_cells(config, row.spread);
    fmt::print("{}\n", line);
    std::fflush(stdout);
  }
}

void print_faults(const simulate::Config& defaults) {
  fmt::print(
      "| faults | base | poll10 | lode | lode, share of the bound |\n|---|---|---|---|---|\n");
  for (const FaultRow& row : kFaults) {
    simulate::Config config = defaults;
    config.workers = 2;
    config.generation = simulate::GenerationTime::lognormal(20, kSpread);
    config.fault_pulls = row.pulls;
    config.fault_submits = row.submits;
    config.fault_replies = row.replies;
    config.quality.reject_rate = row.rejects;
    std::string line = fmt::format("| {} |", row.name);
    double ratio = 0;
    for (std::size_t i = 0; i < kPolicies.size(); ++i) {
      const simulate::Outcome out = simulate::run(config, kPolicies[i]);
      line += fmt::format(" {} ± {:.1f}", cell(out.accepted_per_4h, row.expected[i]),
                          out.standard_error.value_or(NAN));
      if (row.rejects > 0) {
        line += fmt::format(", {:.1f} rejected", static_cast<double>(out.rejected) * 4 / out.hours);
      }
      line += " |";
      ratio = out.ratio;
    }
    fmt::print("{} {:.2f} % |\n", line, 100 * ratio);
    std::fflush(stdout);
  }
}

/// lode's share of the attainable (and of the bound, where that is more) with every fault, over
/// validators, workers and generation times. All cells have about the tasks of eight validators.
void print_reach(const simulate::Config& defaults) {
  fmt::print("| V | W | g = 15 | g = 30 | g = 60 | g from 15 to 60 |\n|---|---|---|---|---|---|\n");
  constexpr double kTold = 0.001;  // differences from the bound that are
  using simulate::GenerationTime;
  const std::array lengths{GenerationTime::lognormal(15, kSpread),
                           GenerationTime::lognormal(30, kSpread),
                           GenerationTime::lognormal(60, kSpread), GenerationTime::uniform(15, 60)};
  for (const int validators : {1, 8, 64}) {
    for (const int workers : {1, 2, 4, 8}) {
      std::string line = fmt::format("| {} | {} |", validators, workers);
      for (const GenerationTime& length : lengths) {
        simulate::Config config = defaults;
        config.validators = validators;
        config.workers = workers;
        config.generation = length;
        config.fault_pulls = config.fault_submits = config.fault_replies = 0.02;
        config.hours = std::max(kLeastHours, defaults.hours * std::min(1.0, 8.0 / validators));
        const simulate::Outcome out = simulate::run(config, PolicyKind::lode);
        line += fmt::format(" {:.1f} %", 100 * out.attainable_ratio);
        if (out.attainable < (1 - kTold) * out.bound) {
          line += fmt::format(" ({:.1f} % of the bound)", 100 * out.ratio);
        }
        line += " |";
      }
      fmt::print("{}\n", line);
      std::fflush(stdout);
    }
  }
}

/// A day with every fault, drawn.
Result<void> write_plot(const std::string& path, std::uint64_t seed) {
  simulate::Config config = base_config(24, seed);
  config.generation = simulate::GenerationTime::uniform(15, 45);
  config.fault_pulls = config.fault_submits = config.fault_replies = 0.02;
  config.quality.reject_rate = 0.1;
  std::vector<simulate::Outcome> outcomes;
  for (const PolicyKind kind : kPolicies) {
    outcomes.push_back(simulate::run(config, kind));
  }
  return write_file(path, as_bytes(simulate::plot_svg(config, outcomes)));
}

}  // namespace

int main(int argc, char** argv) {
  std::string table = "all";
  double hours = 380;
  std::uint64_t seed = 1;
  std::string svg_path;
  CLI::App app("Tables of the miner's policies in virtual time");
  app.add_option("--table", table, "timing, faults, reach or all")
      ->check(CLI::IsMember({"timing", "faults", "reach", "all"}))
      ->capture_default_str();
  app.add_option("--hours", hours, "Measured hours of each cell")
      ->check(CLI::Range(kLeastHours, 10'000.0))
      ->capture_default_str();
  app.add_option("--seed", seed)->capture_default_str();
  app.add_option("--svg", svg_path, "Also draw a day with every fault");
  CLI11_PARSE(app, argc, argv);

  const simulate::Config config = base_config(hours, seed);
  using Print = void (*)(const simulate::Config&);
  const std::pair<std::string_view, Print> tables[] = {
      {"timing", print_timing}, {"faults", print_faults}, {"reach", print_reach}};
  for (const auto& [name, print] : tables) {
    if (table == name || table == "all") {
      print(config);
      fmt::print("\n");
    }
  }
  if (svg_path.empty()) {
    return 0;
  }
  const auto written = write_plot(svg_path, seed);
  if (!written) {
    fmt::print(stderr, "{}\n", written.error().message());
  }
  return written ? 0 : 1;
}
