// lode stats: how the miner has done over a window of time, from the journal.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "lode/commands.h"
#include "lode/journal_query.h"
#include "miner/calibration_report.h"
#include "miner/statistics.h"

namespace lode::commands {
namespace {

struct StatsOptions {
  JournalQuery query;
  bool json = false;
  bool calibration = false;
  std::string svg;  ///< a file to draw the calibration into
};

Result<nlohmann::json> read(const StatsOptions& options) {
  LODE_TRY(const JournalView view, open_journal(options.query));
  miner::EventFilter filter;
  filter.hotkey = view.hotkey;
  if (view.since) {
    filter.since = *view.since - miner::kStatisticsLookback;
  }
  LODE_TRY(const auto events, view.journal.events(filter));
  LODE_TRY(const miner::Ledger ledger, view.journal.ledger());
  const Time since = view.since.value_or(Time{});
  return miner::to_json(miner::compute_statistics(events, ledger, since, view.now), view.uids);
}

/// Our scores against the validators', and the picture if one is wanted.
Result<nlohmann::json> read_calibration(const StatsOptions& options) {
  LODE_TRY(const JournalView view, open_journal(options.query));
  miner::EventFilter filter;
  filter.since = view.since;
  filter.hotkey = view.hotkey;
  using Kind = miner::EventKind;  // what the miner learns scores from
  filter.kinds = {Kind::assigned, Kind::candidate_ready, Kind::discarded, Kind::submitting,
                  Kind::accepted, Kind::emptied,         Kind::rejected};
  LODE_TRY(const auto events, view.journal.events(filter));
  LODE_TRY(const miner::Ledger ledger, view.journal.ledger());
  const miner::CalibrationReport report = miner::compute_calibration(events, ledger);
  if (!options.svg.empty()) {
    LODE_CHECK(write_file(options.svg, as_bytes(miner::calibration_svg(report))));
  }
  return miner::to_json(report, view.uids);
}

int stats(const StatsOptions& options) {
  if (!options.svg.empty() && std::filesystem::path(options.svg).extension() != ".svg") {
    std::cerr << "lode: " << options.svg << ": a plot is an .svg file\n";
    return cli::kUsage;
  }
  const auto found = options.calibration ? read_calibration(options) : read(options);
  if (!found) {
    return cli::report(found.error());
  }
  if (options.json) {
    cli::print_json(*found);
  } else {
    std::cout << (options.calibration ? miner::format_calibration(*found)
                                      : miner::format_statistics(*found));
  }
  return cli::kDone;
}

}  // namespace

void add_stats(CLI::App& app, cli::Action& chosen) {
  auto options = std::make_shared<StatsOptions>();
  CLI::App* command =
      app.add_subcommand("stats", "Show counts, scores and latencies over a window of time");
  add_journal_path(*command, options->query);
  add_window(*command, options->query, "4h");
  add_validator(*command, options->query);
  command->add_flag("--json", options->json, "Print one JSON object");
  CLI::Option* calibration = command->add_flag(
      "--calibration", options->calibration,
      "Instead: our scores against the validators', since the beginning unless --last is given");
  command->add_option("--svg", options->svg, "Also draw the calibration: FILE.svg")
      ->needs(calibration);
  command->callback([options, command, &chosen] {
    if (options->calibration && command->count("--last") == 0) {
      options->query.last.clear();  // a few hours have too few pairs
    }
    chosen = [options] { return stats(*options); };
  });
}

}  // namespace lode::commands
