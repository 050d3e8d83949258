#include "lode/wallet_options.h"

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "lode/password.h"

namespace lode::commands {

void add_wallet_options(CLI::App& command, WalletOptions& options) {
  const std::pair<const char*, std::string*> names[] = {{"--wallet.path", &options.path},
                                                        {"--wallet.name", &options.name},
                                                        {"--wallet.hotkey", &options.hotkey}};
  const char* descriptions[] = {"Folder of wallets", "Wallet", "Its hotkey"};
  for (int i = 0; i < 3; ++i) {
    command.add_option(names[i].first, *names[i].second, descriptions[i])
        ->capture_default_str()
        ->configurable();
  }
  command.add_option("--wallet.file", options.file, "One hotkey file instead of a wallet")
      ->configurable();
  command
      .add_option("--wallet.password_env", options.password_env,
                  "Environment variable with the password of an encrypted hotkey; "
                  "LODE_WALLET_PASSWORD and btwallet's BT_PW_... are looked at anyway")
      ->configurable();
  command
      .add_option("--wallet.password_fd", options.password_fd,
                  "File descriptor to read the password from")
      ->configurable();
}

Result<chain::WalletPaths> paths_of(const WalletOptions& options) {
  if (!options.file.empty()) {
    return chain::WalletPaths{options.file, {}, {}};
  }
  const char* home = std::getenv("HOME");
  return chain::wallet_paths(options.path, options.name, options.hotkey,
                             home == nullptr ? "/" : home);
}

Result<chain::Keypair> read_hotkey(const WalletOptions& options) {
  LODE_TRY(const chain::WalletPaths paths, paths_of(options));
  return chain::read_hotkey_file(
      paths.hotkey, [&] { return ask_password(paths.hotkey, options, PasswordUse::open); });
}

}  // namespace lode::commands
