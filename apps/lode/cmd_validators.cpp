// lode validators: the ledger of a running miner, or of a journal.
#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "lode/commands.h"
#include "lode/fetch_json.h"
#include "miner/journal.h"
#include "miner/status.h"

namespace lode::commands {
namespace {

struct ValidatorsOptions {
  std::string http = "127.0.0.1:8090";
  std::string journal_path;
  bool json = false;
};

Result<nlohmann::json> load(const ValidatorsOptions& options) {
  if (options.journal_path.empty()) {
    LODE_TRY(const net::Endpoint peer, net::parse_endpoint(options.http));
    return fetch_json(peer, "/api/ledger");
  }
  LODE_TRY(const miner::Journal journal, miner::Journal::open_read_only(options.journal_path));
  LODE_TRY(const miner::Ledger ledger, journal.ledger());
  LODE_TRY(const auto uids, journal.uids());
  miner::Snapshot snapshot;
  snapshot.at = SystemClock().now();
  snapshot.validators = miner::view_from_ledger(ledger, uids);
  return miner::to_json(snapshot);
}

int validators(const ValidatorsOptions& options) {
  const auto ledger = load(options);
  if (!ledger) {
    return cli::report(ledger.error());
  }
  if (options.json) {
    cli::print_json(*ledger);
  } else {
    std::cout << miner::format_table(*ledger);
  }
  return cli::kDone;
}

}  // namespace

void add_validators(CLI::App& app, cli::Action& chosen) {
  auto options = std::make_shared<ValidatorsOptions>();
  CLI::App* command =
      app.add_subcommand("validators", "Show what each validator is doing, and why");
  auto* http = command->add_option("--http", options->http, "HOST:PORT of a running miner")
                   ->capture_default_str();
  command->add_option("--journal.path", options->journal_path, "Journal of a miner that is not")
      ->excludes(http);
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options, &chosen] { chosen = [options] { return validators(*options); }; });
}

}  // namespace lode::commands
