// lode stats: how the miner has done over a window of time, from the journal.
#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "lode/commands.h"
#include "lode/journal_query.h"
#include "miner/statistics.h"

namespace lode::commands {
namespace {

struct StatsOptions {
  JournalQuery query;
  bool json = false;
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

int stats(const StatsOptions& options) {
  const auto found = read(options);
  if (!found) {
    return cli::report(found.error());
  }
  if (options.json) {
    cli::print_json(*found);
  } else {
    std::cout << miner::format_statistics(*found);
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
  command->callback([options, &chosen] { chosen = [options] { return stats(*options); }; });
}

}  // namespace lode::commands
