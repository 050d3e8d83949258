#include "lode/mine_settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/duration.h"
#include "cli/cli.h"
#include "miner/blacklist_file.h"
#include "miner/eligibility.h"

namespace lode::commands {
namespace {

namespace fs = std::filesystem;

/// What a running miner can take.
constexpr const char* kLive[] = {"blacklist", "blacklist.file", "neuron.min_stake_to_set_weights",
                                 "log.level", "logging.debug",  "drain.seconds"};
/// And these between foreign endpoints.
constexpr const char* kLiveWhenForeign[] = {"generation.endpoints", "validation.endpoint"};

Result<std::vector<miner::BlacklistEntry>> load_blacklist(const MineOptions& options) {
  std::vector<miner::BlacklistEntry> entries;
  for (const std::string& text : options.blacklist) {
    LODE_TRY(entries.emplace_back(), miner::parse_blacklist_entry(text));
  }
  if (!options.blacklist_file.empty()) {
    LODE_TRY(const auto more, miner::read_blacklist_file(options.blacklist_file));
    entries.insert(entries.end(), more.begin(), more.end());
  } else if (options.blacklist.empty()) {
    entries.push_back(miner::default_blacklist_entry());
  }
  return entries;
}

/// lode-worker lies beside lode unless told otherwise.
fs::path worker_binary(const MineOptions& options) {
  if (!options.worker_binary.empty()) {
    return options.worker_binary;
  }
  return fs::read_symlink("/proc/self/exe").parent_path() / "lode-worker";
}

struct ReadAgain {
  MineOptions options;
  cli::GlobalFlags flags;
  std::map<std::string, std::string> values;
};

Result<ReadAgain> read_again(const std::vector<std::string>& arguments) {
  ReadAgain read;
  CLI::App app;
  CLI::App* command = app.add_subcommand("mine");
  add_mine_options(*command, read.options);
  command->configurable();
  cli::add_global_flags(app, read.flags);
  std::vector<const char*> pointers;
  for (const std::string& argument : arguments) {
    pointers.push_back(argument.c_str());
  }
  try {
    app.parse(static_cast<int>(pointers.size()), pointers.data());
  } catch (const CLI::ParseError& error) {
    return fail(Errc::internal, std::string("command line: ") + error.what());
  }
  cli::Settings settings;
  settings.is_foreign = is_worker_key;
  const auto environment = [](const char* name) { return std::getenv(name); };
  LODE_CHECK(settings.apply(app, read.flags.config, environment));
  for (const cli::Settings::Entry& entry : settings.entries()) {
    read.values[entry.key] = fmt::format("{}", fmt::join(entry.option->results(), "\n"));
  }
  return read;
}

}  // namespace

Result<ParsedMineOptions> parse_mine_options(const MineOptions& options) {
  ParsedMineOptions parsed;
  LODE_TRY(parsed.http_listen, net::parse_endpoint(options.http_listen));
  LODE_TRY(parsed.pool.endpoints, miner::parse_worker_endpoints(options.generation_endpoints));
  if (!options.validation_endpoint.empty()) {
    LODE_TRY(parsed.pool.validation, net::parse_http_url(options.validation_endpoint));
  }
  parsed.pool.local_workers = options.workers;
  const int usual = options.backend == "sketch" ? options.workers : 1;  // it has no models to share
  parsed.pool.local_processes = options.processes > 0 ? options.processes : usual;
  if (parsed.pool.local_processes > parsed.pool.local_workers) {
    return fail(Errc::invalid_input,
                fmt::format("--worker.processes {}: at most --workers {} was expected",
                            options.processes, options.workers));
  }
  parsed.pool.backend = options.backend;
  parsed.pool.binary = worker_binary(options);
  LODE_TRY(parsed.blacklist, load_blacklist(options));
  const auto keep = parse_duration(options.journal_keep);
  if (!keep || *keep < std::chrono::hours(1)) {
    return fail(Errc::invalid_input, "--journal.keep " + options.journal_keep +
                                         ": a duration of an hour or more was expected, like 30d");
  }
  parsed.retention.max_age = *keep;
  parsed.retention.max_artifact_bytes = std::int64_t{options.journal_artifacts_mib} << 20;
  return parsed;
}

std::vector<std::string> worker_arguments(const cli::Settings& settings) {
  // These say how many workers of which program there are, and are no business of theirs.
  constexpr const char* kOurs[] = {"worker.binary", "worker.backend", "worker.processes"};
  const fs::path& file = settings.file();
  std::vector<std::string> arguments = {"--config",
                                        file.empty() ? "none" : fs::absolute(file).string()};
  for (const cli::Settings::Entry& entry : settings.entries()) {
    const bool is_theirs =
        entry.key.starts_with("worker.") &&
        std::find(std::begin(kOurs), std::end(kOurs), entry.key) == std::end(kOurs);
    if (is_theirs && entry.origin == "flag") {
      arguments.push_back("--" + entry.key + "=" + entry.option->results().back());
    }
  }
  return arguments;
}

nlohmann::json ReloadReport::to_json() const {
  return {{"changed", changed}, {"needs_restart", needs_restart}};
}

Result<void> LiveSettings::begin(const MineOptions& options) {
  options_ = options;
  LODE_TRY(ReadAgain read, read_again(arguments_));
  values_ = std::move(read.values);
  return {};
}

Result<ReloadReport> LiveSettings::reload() {
  auto report = apply_again();
  if (report) {
    spdlog::info(
        "reloaded: changed: {}; needs a restart: {}",
        report->changed.empty() ? "nothing" : fmt::format("{}", fmt::join(report->changed, ", ")),
        report->needs_restart.empty() ? "nothing"
                                      : fmt::format("{}", fmt::join(report->needs_restart, ", ")));
  } else {
    spdlog::error("not reloaded, everything stays as it was: {}", report.error().message());
  }
  return report;
}

Result<ReloadReport> LiveSettings::apply_again() {
  LODE_TRY(ReadAgain read, read_again(arguments_));
  LODE_TRY(ParsedMineOptions parsed, parse_mine_options(read.options));
  const bool can_exchange = pool_.is_foreign() && !parsed.pool.endpoints.empty();
  const auto among = [](const auto& keys, const std::string& key) {
    return std::find(std::begin(keys), std::end(keys), key) != std::end(keys);
  };
  ReloadReport report;
  bool exchanges = false;
  for (const auto& [key, value] : read.values) {
    if (values_[key] == value) {
      continue;
    }
    const bool is_endpoint = among(kLiveWhenForeign, key) && can_exchange;
    exchanges = exchanges || is_endpoint;
    if (is_endpoint || among(kLive, key)) {
      report.changed.push_back(key);
      values_[key] = value;
    } else {
      report.needs_restart.push_back(key);
    }
  }
  options_.blacklist = read.options.blacklist;
  options_.blacklist_file = read.options.blacklist_file;
  miner_.set_blacklist(std::move(parsed.blacklist));
  miner_.set_min_stake(read.options.min_stake);
  miner_.set_drain_timeout(std::chrono::seconds(read.options.drain_seconds));
  cli::set_log_level(read.flags);
  if (exchanges) {
    pool_.set_endpoints(std::move(parsed.pool.endpoints), parsed.pool.validation);
  }
  source_.reload(miner_);
  return report;
}

void LiveSettings::reload_blacklist() {
  if (auto blacklist = load_blacklist(options_)) {
    miner_.set_blacklist(*std::move(blacklist));
  } else {
    spdlog::error("blacklist kept as it was: {}", blacklist.error().message());
  }
}

}  // namespace lode::commands
