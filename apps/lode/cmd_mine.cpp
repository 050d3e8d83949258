// lode mine: the miner daemon.
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include "chain/metagraph.h"
#include "lode/commands.h"
#include "lode/mine_options.h"
#include "lode/remote_signer.h"
#include "miner/blacklist_file.h"
#include "miner/eligibility.h"
#include "miner/miner_io.h"
#include "net/http_server.h"

namespace lode::commands {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

/// Options that had to be parsed beyond their type.
struct Parsed {
  net::Endpoint http_listen;
  miner::WorkerPoolConfig pool;
  std::vector<miner::BlacklistEntry> blacklist;
};

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

Result<Parsed> parse(const MineOptions& options) {
  Parsed parsed;
  LODE_TRY(parsed.http_listen, net::parse_endpoint(options.http_listen));
  for (const std::string& text : options.generation_endpoints) {
    LODE_TRY(parsed.pool.endpoints.emplace_back(), net::parse_http_url(text));
  }
  if (!options.validation_endpoint.empty()) {
    LODE_TRY(parsed.pool.validation, net::parse_http_url(options.validation_endpoint));
  }
  parsed.pool.local_workers = options.workers;
  parsed.pool.backend = options.backend;
  parsed.pool.binary = worker_binary(options);
  LODE_TRY(parsed.blacklist, load_blacklist(options));
  return parsed;
}

Result<chain::Metagraph> load_metagraph(const MineOptions& options) {
  LODE_TRY(chain::Metagraph metagraph, chain::read_metagraph_file(options.metagraph_file));
  if (metagraph.netuid != options.netuid) {
    return fail(Errc::invalid_input, options.metagraph_file + ": netuid " +
                                         std::to_string(metagraph.netuid) + ", but " +
                                         std::to_string(options.netuid) + " was asked for");
  }
  return metagraph;
}

class StatusHandler final : public net::HttpHandler {
 public:
  explicit StatusHandler(const miner::Miner& miner) : miner_(miner) {}
  asio::awaitable<HttpResponse> on_request(HttpRequest request) override {
    co_return miner::answer(miner_.snapshot(), request);
  }

 private:
  const miner::Miner& miner_;
};

/// Secrets must not reach a core file.
void forbid_core_files() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
}

void reload(const MineOptions& options, miner::Miner& miner) {
  if (auto blacklist = load_blacklist(options)) {
    miner.set_blacklist(*std::move(blacklist));
  } else {
    spdlog::error("blacklist kept as it was: {}", blacklist.error().message());
  }
  if (const auto metagraph = load_metagraph(options)) {
    miner.set_metagraph(*metagraph);
  } else {
    spdlog::error("metagraph kept as it was: {}", metagraph.error().message());
  }
}

/// SIGHUP reloads the blacklist and the metagraph; the first SIGTERM or SIGINT drains.
asio::awaitable<void> obey_signals(const MineOptions& options, miner::Miner& miner) {
  asio::signal_set signals(co_await asio::this_coro::executor, SIGHUP, SIGINT, SIGTERM);
  for (;;) {
    const int signal = co_await signals.async_wait(asio::use_awaitable);
    if (signal == SIGHUP) {
      spdlog::info("reloading blacklist and metagraph");
      reload(options, miner);
      continue;
    }
    spdlog::info("draining: no new tasks; what is under way will end");
    miner.drain();
    co_return;
  }
}

asio::awaitable<void> reload_regularly(const MineOptions& options, miner::Miner& miner) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (;;) {
    timer.expires_after(std::chrono::seconds(options.sync_seconds));
    co_await timer.async_wait(asio::use_awaitable);
    reload(options, miner);
  }
}

/// The miner from its start to its drained end, with everything around it.
asio::awaitable<void> run_miner(const MineOptions& options, miner::Miner& miner,
                                miner::WorkerPool& pool, net::HttpServer& server) {
  const auto executor = co_await asio::this_coro::executor;
  net::TaskGroup side_tasks(executor, [](const std::string& name, const std::string& why) {
    spdlog::error("{}: {}", name, why);
  });
  side_tasks.spawn("signals", obey_signals(options, miner));
  side_tasks.spawn("reload", reload_regularly(options, miner));
  pool.start();
  std::exception_ptr failure;
  try {
    co_await miner.run();
  } catch (...) {
    failure = std::current_exception();
  }
  side_tasks.cancel();
  co_await side_tasks.join();
  server.close();
  co_await server.join();
  co_await pool.stop();
  if (failure) {
    std::rethrow_exception(failure);
  }
}

/// The hotkey, in this process or in a signer's.
Result<std::unique_ptr<chain::Signer>> open_signer(const MineOptions& options) {
  if (!options.signer_socket.empty()) {
    return connect_signer(options.signer_socket);
  }
  LODE_TRY(chain::Keypair keypair, read_hotkey(options.wallet));
  return std::unique_ptr<chain::Signer>(std::make_unique<chain::Keypair>(std::move(keypair)));
}

int mine(const MineOptions& options) {
  forbid_core_files();
  const auto parsed = parse(options);
  if (!parsed) {
    return cli::report(parsed.error());
  }
  if (options.metagraph_file.empty()) {
    std::fprintf(stderr, "lode mine: --metagraph.file is required\n");
    return cli::kUsage;
  }
  const auto signer = open_signer(options);
  if (!signer) {
    return cli::report(signer.error());
  }
  const chain::Signer& hotkey = **signer;
  const auto metagraph = load_metagraph(options);
  if (!metagraph) {
    return cli::report(metagraph.error());
  }
  auto journal = miner::Journal::open(options.journal_path);
  if (!journal) {
    return cli::report(journal.error());
  }

  asio::io_context context(1);
  miner::Miner* miner_to_wake = nullptr;
  miner::WorkerPool pool(context.get_executor(), parsed->pool, [&miner_to_wake] {
    if (miner_to_wake != nullptr) {
      miner_to_wake->wake();
    }
  });
  miner::MinerConfig config;
  config.scheduling.min_stake = options.min_stake;
  config.scheduling.blacklist = parsed->blacklist;
  config.artifacts = options.artifacts_path;
  config.drain_timeout = std::chrono::seconds(options.drain_seconds);
  miner::Miner miner(context.get_executor(), config, hotkey, *journal, pool);
  miner_to_wake = &miner;
  if (const auto loaded = miner.load(*metagraph); !loaded) {
    return cli::report(annotate(loaded.error(), options.journal_path));
  }
  StatusHandler handler(miner);
  net::HttpServer server(
      context.get_executor(), handler, {.body_bytes = 4096},
      [](const std::string& name, const std::string& why) { spdlog::error("{}: {}", name, why); });
  const auto bound = server.listen(parsed->http_listen);
  if (!bound) {
    return cli::report(bound.error());
  }
  cli::print_json({{"http", bound->to_string()}, {"hotkey", hotkey.ss58()}});
  spdlog::info("mining as {} on netuid {}; status at http://{}/api/ledger", hotkey.ss58(),
               options.netuid, bound->to_string());
  std::exception_ptr failure;
  asio::co_spawn(context, run_miner(options, miner, pool, server),
                 [&failure](std::exception_ptr e) { failure = e; });
  context.run();
  if (failure) {
    std::rethrow_exception(failure);
  }
  spdlog::info("ended cleanly");
  return cli::kDone;
}

}  // namespace

void add_mine(CLI::App& app, cli::Action& chosen) {
  auto options = std::make_shared<MineOptions>();
  CLI::App* command = app.add_subcommand("mine", "Mine: serve every eligible validator");
  add_mine_options(*command, *options);
  command->configurable();
  command->callback([options, &chosen] { chosen = [options] { return mine(*options); }; });
}

}  // namespace lode::commands
