// lode sandbox: a local subnet to mine on, until SIGTERM.
#include <spdlog/spdlog.h>
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "lode/commands.h"
#include "sandbox/subnet_io.h"

namespace lode::commands {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

/// A fresh directory for this run's files, removed with them at the end.
class TemporaryDirectory {
 public:
  static Result<std::unique_ptr<TemporaryDirectory>> make() {
    std::string path = (fs::temp_directory_path() / "lode-sandbox-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) {
      return fail(Errc::io_failure, path + ": a temporary directory could not be made");
    }
    return std::unique_ptr<TemporaryDirectory>(new TemporaryDirectory(path));
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const fs::path& path() const { return path_; }

 private:
  explicit TemporaryDirectory(fs::path path) : path_(std::move(path)) {}
  fs::path path_;
};

Result<void> make_directory(const fs::path& path) {
  std::error_code ec;
  fs::create_directories(path, ec);
  if (ec)
    return fail(Errc::io_failure, path.string() + ": " + ec.message());
  return {};
}

asio::awaitable<void> wait_and_stop(sandbox::Subnet& subnet) {
  asio::signal_set signals(co_await asio::this_coro::executor, SIGINT, SIGTERM);
  const int signal = co_await signals.async_wait(asio::use_awaitable);
  spdlog::info("signal {}: stopping", signal);
  co_await subnet.stop();
}

Result<void> run(sandbox::SubnetConfig config) {
  std::unique_ptr<TemporaryDirectory> temporary;
  if (config.dir.empty()) {
    LODE_TRY(temporary, TemporaryDirectory::make());
    config.dir = temporary->path();
  }
  LODE_CHECK(make_directory(config.dir));
  asio::io_context context(1);
  LODE_TRY(const auto subnet, sandbox::Subnet::start(context.get_executor(), config));
  // Signals are caught before the ready line is out, so that whoever reads it can end us cleanly.
  std::exception_ptr failure;
  asio::co_spawn(context, wait_and_stop(*subnet), [&](std::exception_ptr e) { failure = e; });
  context.poll();
  cli::print_json(subnet->ready_json());
  spdlog::info("{} validators at time scale {:g}", config.validators, config.time_scale);
  context.run();
  if (failure)
    std::rethrow_exception(failure);
  std::fputs(sandbox::summary(subnet->status()).c_str(), stderr);
  return {};
}

}  // namespace

void add_sandbox(CLI::App& app, cli::Action& chosen) {
  auto config = std::make_shared<sandbox::SubnetConfig>();
  CLI::App* command = app.add_subcommand("sandbox", "Run a local subnet to mine on, until SIGTERM");
  command->add_option("--validators", config->validators, "Serving validators")
      ->check(CLI::Range(1, sandbox::kMaxValidators))
      ->capture_default_str();
  command->add_option("--time-scale", config->time_scale, "Divide all the rules' durations by this")
      ->check(CLI::Range(1.0, 1e4))
      ->capture_default_str();
  command->add_option("--seed", config->seed, "Of keys, tasks and faults")->capture_default_str();
  command
      ->add_option("--port-base", config->port_base,
                   "First of consecutive ports; 0 takes free ones")
      ->check(CLI::Range(0, 65'000))
      ->capture_default_str();
  command->add_option("--dir", config->dir,
                      "Where to put the hotkey and metagraph files; a temporary one if not given");
  command
      ->add_option("--fault-rate", config->fault_rate,
                   "Share of requests that are lost or answered 500")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  const std::map<std::string, sandbox::Scoring> scorers = {{"compare", sandbox::Scoring::compare},
                                                           {"trust", sandbox::Scoring::trust}};
  command
      ->add_option("--scorer", config->scoring,
                   "compare (with the reference) or trust (a score from the task's id: load tests)")
      ->transform(CLI::CheckedTransformer(scorers, CLI::ignore_case));
  command->add_option("--image-share", config->shares.image, "Share of picture prompts")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->callback([config, &chosen] {
    chosen = [config] {
      const Result<void> done = run(*config);
      return done ? cli::kDone : cli::report(done.error());
    };
  });
}

}  // namespace lode::commands
