// Settings from flags, the environment and lode.toml, by one rule for every command.
#pragma once

#include <CLI/App.hpp>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lode::cli {

/// Largest configuration file that is read: a person wrote it.
inline constexpr std::size_t kMaxConfigBytes = 1 << 20;

/// What a configuration file says of one key.
struct FileValue {
  std::vector<std::string> values;  ///< one, or an array's
  std::size_t line = 0;
};

/// The settings in the text of a lode.toml, by dotted key. Errc::invalid_input for bad TOML, a
/// value that is no text, number, boolean or array of these, and a key that is not in `known`: with
/// file, line and the nearest known key.
/// Keys that `is_foreign` says yes to are another program's and passed over.
Result<std::map<std::string, FileValue>> parse_settings(
    std::string_view text, const std::string& file, const std::vector<std::string>& known,
    const std::function<bool(std::string_view)>& is_foreign = {});

/// LODE_WALLET_NAME for wallet.name.
std::string environment_name(std::string_view key);

/// Every long option of a command marked with `configurable()`, and of the program itself, is a
/// setting: key `wallet.name` for `--wallet.name`. A value comes from the first of: the flag, the
/// environment (LODE_WALLET_NAME; for wallet.* and subtensor.* also the SDK's BT_WALLET_NAME), the
/// file (--config, LODE_CONFIG, or ./lode.toml where it exists; none for `--config none`), the
/// option's default.
class Settings {
 public:
  using Environment = std::function<const char*(const char*)>;

  struct Entry {
    const CLI::Option* option = nullptr;
    std::string key;
    std::string origin;  ///< "default", "flag", "environment NAME" or "FILE line N"
  };

  /// Completes a parsed command line. Errors name the file and line or the variable, and the key.
  Result<void> apply(CLI::App& app, const std::filesystem::path& config_flag,
                     const Environment& environment);

  /// The command line, program name first: to read the settings again.
  std::vector<std::string> arguments;

  /// Keys of the file that the other program reads; of those that this one knows it is not asked.
  std::function<bool(std::string_view)> is_foreign;

  /// The file that was read; empty for none.
  const std::filesystem::path& file() const { return file_; }

  /// The settings of the program and of the command that was chosen, by key.
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::filesystem::path file_;
  std::vector<Entry> entries_;
};

}  // namespace lode::cli
