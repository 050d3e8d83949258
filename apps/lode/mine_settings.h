// The settings of a running `lode mine`: read, and read again.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/settings.h"
#include "lode/metagraph_source.h"
#include "lode/mine_options.h"
#include "miner/miner_io.h"
#include "miner/worker_pool_io.h"

namespace lode::commands {

/// Options that had to be parsed beyond their type.
struct ParsedMineOptions {
  net::Endpoint http_listen;
  miner::WorkerPoolConfig pool;
  std::vector<miner::BlacklistEntry> blacklist;
  miner::Retention retention;
};
Result<ParsedMineOptions> parse_mine_options(const MineOptions& options);

/// What local workers are told so that they have the `worker.*` settings in effect here: the file
/// and the flags of the command line. The environment they inherit.
std::vector<std::string> worker_arguments(const cli::Settings& settings);

/// Which settings changed when they were read again: those in use from now on, and those that a
/// running miner cannot take.
struct ReloadReport {
  std::vector<std::string> changed;
  std::vector<std::string> needs_restart;
  nlohmann::json to_json() const;
};

class LiveSettings {
 public:
  /// `arguments` is the command line; its flags win again. The rest must outlive this.
  LiveSettings(std::vector<std::string> arguments, miner::Miner& miner, miner::WorkerPool& pool,
               MetagraphSource& source)
      : arguments_(std::move(arguments)), miner_(miner), pool_(pool), source_(source) {}

  /// What the miner was started with.
  Result<void> begin(const MineOptions& options);

  /// Reads environment, file, blacklist and metagraph again. An error names what is wrong, and
  /// everything stays as it was. Logs what came of it.
  Result<ReloadReport> reload();

  /// The blacklist alone; one that cannot be read changes nothing.
  void reload_blacklist();

 private:
  Result<ReloadReport> apply_again();

  std::vector<std::string> arguments_;
  miner::Miner& miner_;
  miner::WorkerPool& pool_;
  MetagraphSource& source_;
  MineOptions options_;
  std::map<std::string, std::string> values_;  ///< in effect, by key
};

}  // namespace lode::commands
