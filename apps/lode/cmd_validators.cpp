// lode validators: the ledger of a running miner, or of a journal.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "lode/commands.h"
#include "lode/fetch_json.h"
#include "miner/journal.h"
#include "miner/status.h"

namespace lode::commands {
namespace {

/// Events of one validator that `--explain` shows: some hours of them.
constexpr std::int64_t kMostExplained = 500;

struct ValidatorsOptions {
  std::string http = "127.0.0.1:8090";
  std::string journal_path;
  std::string explain;  ///< UID or hotkey of one validator
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

/// The validator in the journal whose UID `who` is, or whose hotkey it is or begins.
Result<std::string> hotkey_like(const std::map<std::string, int>& uids, const miner::Ledger& ledger,
                                const std::string& who) {
  std::set<std::string> found;
  for (const auto& [hotkey, uid] : uids) {
    if (std::to_string(uid) == who) {
      found.insert(hotkey);
    }
  }
  if (found.empty()) {  // a UID is no beginning of a hotkey, though all of these begin with a 5
    for (const auto& [hotkey, row] : ledger.rows()) {
      if (hotkey.starts_with(who)) {
        found.insert(hotkey);
      }
    }
  }
  if (found.size() != 1) {
    return fail(Errc::not_found, (found.empty() ? "no validator in the journal has UID or hotkey "
                                                : "several validators in the journal match ") +
                                     who);
  }
  return *found.begin();
}

Result<nlohmann::json> load_trail(const ValidatorsOptions& options) {
  if (options.journal_path.empty()) {
    LODE_TRY(const net::Endpoint peer, net::parse_endpoint(options.http));
    const bool is_word = std::all_of(options.explain.begin(), options.explain.end(),
                                     [](unsigned char c) { return std::isalnum(c) != 0; });
    if (!is_word) {
      return fail(Errc::invalid_input,
                  "--explain " + options.explain + ": a UID or a hotkey was expected");
    }
    return fetch_json(peer, "/api/validators/" + options.explain + "/trail");
  }
  LODE_TRY(const miner::Journal journal, miner::Journal::open_read_only(options.journal_path));
  LODE_TRY(const auto uids, journal.uids());
  LODE_TRY(const miner::Ledger ledger, journal.ledger());
  LODE_TRY(const std::string hotkey, hotkey_like(uids, ledger, options.explain));
  miner::EventFilter filter;
  filter.hotkey = hotkey;
  filter.limit = kMostExplained;
  LODE_TRY(const auto events, journal.events(filter));
  const auto uid = uids.find(hotkey);
  return miner::trail_json(uid == uids.end() ? std::nullopt : std::optional(uid->second), hotkey,
                           miner::trail_from_events(events, hotkey));
}

int explain(const ValidatorsOptions& options) {
  const auto trail = load_trail(options);
  if (!trail) {
    return cli::report(trail.error());
  }
  if (options.json) {
    cli::print_json(*trail);
  } else {
    std::cout << miner::format_trail(*trail);
  }
  return cli::kDone;
}

int validators(const ValidatorsOptions& options) {
  if (!options.explain.empty()) {
    return explain(options);
  }
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
  command->add_option("--explain", options->explain,
                      "UID or hotkey of a validator: what was decided about it, and why");
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options, &chosen] { chosen = [options] { return validators(*options); }; });
}

}  // namespace lode::commands
