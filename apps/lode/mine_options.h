// What lode mine can be told, by flag, environment and file.
#pragma once

#include <CLI/App.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lode/wallet_options.h"
#include "lode_worker/worker_settings.h"

namespace lode::commands {

struct MineOptions {
  int netuid = 17;
  WalletOptions wallet;
  std::string signer_socket;
  std::string subtensor_network;  ///< empty: what the endpoints say, or finney
  std::vector<std::string> chain_endpoints;
  std::string metagraph_file;
  std::string private_axons = "auto";
  std::string journal_path = "lode-journal.db";
  std::string journal_keep = "30d";
  int journal_artifacts_mib = 2048;
  std::string http_listen = "127.0.0.1:8090";
  std::string artifacts_path;
  std::vector<std::string> generation_endpoints;
  std::string validation_endpoint;
  std::string worker_binary;
  std::string backend = "sketch";
  int workers = 4;
  WorkerSettings worker;  ///< handed on to them
  int processes = 0;      ///< of local workers; 0: by the backend
  std::vector<std::string> blacklist;
  std::string blacklist_file;
  double min_stake = 1000;
  int sync_seconds = 60;
  int drain_seconds = 60;
  double stagger_seconds = 60;
  int max_candidates = 8;
  std::optional<double> score_correlation;  ///< given: fixed; else learned
  std::string improve_candidates = "yes";
};

/// Adds a flag for each member.
void add_mine_options(CLI::App& command, MineOptions& options);

}  // namespace lode::commands
