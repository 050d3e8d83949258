// Which hotkey a command means, and where its password comes from.
#pragma once

#include <CLI/App.hpp>
#include <filesystem>
#include <string>

#include "chain/keyfile.h"

namespace lode::commands {

struct WalletOptions {
  std::string path = "~/.bittensor/wallets";
  std::string name = "default";
  std::string hotkey = "default";
  std::string file;  ///< names one key file instead of a wallet
  std::string password_env;
  int password_fd = -1;
};

/// Adds `--wallet.*`, all of which are settings.
void add_wallet_options(CLI::App& command, WalletOptions& options);

/// The files of the wallet that is meant; with `file` set, only `hotkey` is.
Result<chain::WalletPaths> paths_of(const WalletOptions& options);

/// Reads the hotkey that is meant, asking for its password where it is encrypted.
Result<chain::Keypair> read_hotkey(const WalletOptions& options);

}  // namespace lode::commands
