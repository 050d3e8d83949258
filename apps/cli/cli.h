// What both programs share on the command line: exit codes, error reports, logging.
#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.h"
#include "cli/settings.h"

namespace lode::cli {

/// Exit codes of both programs; scripts rely on them.
enum ExitCode : int {
  kDone = 0,
  kInternalError = 1,
  kUsage = 2,
  kInvalidInput = 3,
  kPeerFailed = 4,
  kOutOfResource = 5
};

int exit_code(Errc code);

/// Prints "lode: <message>" on stderr and returns the exit code of its kind.
int report(const Error& error);

/// Prints one JSON object and a line end on stdout.
void print_json(const nlohmann::json& object);

/// What a chosen subcommand does; returns an exit code.
using Action = std::function<int()>;

/// The flags that every command has.
struct GlobalFlags {
  std::string config;
  std::string log_level = "info";
  bool log_json = false;
  bool debug = false;
};
/// Adds them, also behind the subcommands that `app` has by then, as people write them.
void add_global_flags(CLI::App& app, GlobalFlags& flags);
/// From now on.
void set_log_level(const GlobalFlags& flags);

/// Parses the arguments, completes them from environment and file (see Settings), sets up logging
/// on stderr and runs the chosen action: the boundary at which every exception ends. `--config`,
/// `--log.json`, `--log.level` and `--logging.debug` are global.
int run(CLI::App& app, Action& chosen, Settings& settings, int argc, char** argv);

}  // namespace lode::cli
