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

#include "lode/commands.h"
#include "lode/metagraph_source.h"
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
  LODE_TRY(parsed.pool.endpoints, miner::parse_worker_endpoints(options.generation_endpoints));
  if (!options.validation_endpoint.empty()) {
    LODE_TRY(parsed.pool.validation, net::parse_http_url(options.validation_endpoint));
  }
  parsed.pool.local_workers = options.workers;
  parsed.pool.backend = options.backend;
  parsed.pool.binary = worker_binary(options);
  LODE_TRY(parsed.blacklist, load_blacklist(options));
  return parsed;
}

class StatusHandler final : public net::HttpHandler {
 public:
  StatusHandler(const miner::Miner& miner, const MetagraphSource& source)
      : miner_(miner), source_(source) {}
  asio::awaitable<HttpResponse> on_request(HttpRequest request) override {
    miner::Snapshot snapshot = miner_.snapshot();
    snapshot.chain = source_.view();
    co_return miner::answer(snapshot, request);
  }

 private:
  const miner::Miner& miner_;
  const MetagraphSource& source_;
};

/// Secrets must not reach a core file.
void forbid_core_files() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
}

void reload_blacklist(const MineOptions& options, miner::Miner& miner) {
  if (auto blacklist = load_blacklist(options)) {
    miner.set_blacklist(*std::move(blacklist));
  } else {
    spdlog::error("blacklist kept as it was: {}", blacklist.error().message());
  }
}

/// SIGHUP reloads the blacklist and the metagraph; the first SIGTERM or SIGINT drains.
asio::awaitable<void> obey_signals(const MineOptions& options, miner::Miner& miner,
                                   MetagraphSource& source) {
  asio::signal_set signals(co_await asio::this_coro::executor, SIGHUP, SIGINT, SIGTERM);
  for (;;) {
    const int signal = co_await signals.async_wait(asio::use_awaitable);
    if (signal == SIGHUP) {
      spdlog::info("reloading blacklist and metagraph");
      reload_blacklist(options, miner);
      source.reload(miner);
      continue;
    }
    spdlog::info("draining: no new tasks; what is under way will end");
    miner.drain();
    co_return;
  }
}

asio::awaitable<void> reload_blacklist_regularly(const MineOptions& options, miner::Miner& miner) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (;;) {
    timer.expires_after(std::chrono::seconds(options.sync_seconds));
    co_await timer.async_wait(asio::use_awaitable);
    reload_blacklist(options, miner);
  }
}

/// Without a subnet there is nothing to wait for: the miner ends, and says why.
asio::awaitable<void> keep_metagraph(MetagraphSource& source, miner::Miner& miner,
                                     std::optional<Error>& failure) {
  const auto ended = co_await source.run(miner);
  if (!ended) {
    failure = ended.error();
    miner.drain();
  }
}

/// The miner from its start to its drained end, with everything around it.
asio::awaitable<void> run_miner(const MineOptions& options, miner::Miner& miner,
                                miner::WorkerPool& pool, net::HttpServer& server,
                                MetagraphSource& source, std::optional<Error>& no_subnet) {
  const auto executor = co_await asio::this_coro::executor;
  net::TaskGroup side_tasks(executor, [](const std::string& name, const std::string& why) {
    spdlog::error("{}: {}", name, why);
  });
  side_tasks.spawn("signals", obey_signals(options, miner, source));
  side_tasks.spawn("reload", reload_blacklist_regularly(options, miner));
  side_tasks.spawn("metagraph", keep_metagraph(source, miner, no_subnet));
  pool.start();
  std::exception_ptr failure;
  try {
    co_await miner.run();
  } catch (...) {
    failure = std::current_exception();
  }
  side_tasks.cancel();
  co_await source.stop();
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
  const auto signer = open_signer(options);
  if (!signer) {
    return cli::report(signer.error());
  }
  const chain::Signer& hotkey = **signer;
  asio::io_context context(1);
  auto source = MetagraphSource::make(
      context.get_executor(),
      {options.netuid, options.subtensor_network, options.chain_endpoints, options.metagraph_file,
       hotkey.ss58(), std::chrono::seconds(options.sync_seconds), options.min_stake});
  if (!source) {
    return cli::report(source.error());
  }
  const auto metagraph = (*source)->first();
  if (!metagraph) {
    return cli::report(metagraph.error());
  }
  auto journal = miner::Journal::open(options.journal_path);
  if (!journal) {
    return cli::report(journal.error());
  }

  miner::Miner* miner_to_wake = nullptr;
  miner::WorkerPool pool(context.get_executor(), parsed->pool, [&miner_to_wake] {
    if (miner_to_wake != nullptr) {
      miner_to_wake->wake();
    }
  });
  miner::MinerConfig config;
  config.scheduling.min_stake = options.min_stake;
  config.scheduling.blacklist = parsed->blacklist;
  config.scheduling.allow_private_axons = (*source)->allows_private_axons();
  config.scheduling.stagger = from_seconds(options.stagger_seconds);
  config.artifacts = options.artifacts_path;
  config.drain_timeout = std::chrono::seconds(options.drain_seconds);
  miner::Miner miner(context.get_executor(), config, hotkey, *journal, pool);
  miner_to_wake = &miner;
  if (const auto loaded = miner.load(*metagraph); !loaded) {
    return cli::report(annotate(loaded.error(), options.journal_path));
  }
  StatusHandler handler(miner, **source);
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
  std::optional<Error> no_subnet;
  asio::co_spawn(context, run_miner(options, miner, pool, server, **source, no_subnet),
                 [&failure](std::exception_ptr e) { failure = e; });
  context.run();
  if (failure) {
    std::rethrow_exception(failure);
  }
  if (no_subnet) {
    return cli::report(*no_subnet);
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
