// lode mine: the miner daemon.
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include "lode/commands.h"
#include "lode/confine.h"
#include "lode/control_token.h"
#include "lode/metagraph_source.h"
#include "lode/mine_http.h"
#include "lode/mine_options.h"
#include "lode/mine_settings.h"
#include "lode/remote_signer.h"
#include "miner/miner_io.h"
#include "net/http_server.h"

namespace lode::commands {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

MetagraphSourceConfig source_config(const MineOptions& options, const chain::Signer& hotkey) {
  MetagraphSourceConfig config;
  config.netuid = options.netuid;
  config.network = options.subtensor_network;
  config.endpoints = options.chain_endpoints;
  config.file = options.metagraph_file;
  config.cache_folder = fs::path(options.journal_path).parent_path();
  config.hotkey = hotkey.ss58();
  config.period = std::chrono::seconds(options.sync_seconds);
  config.min_stake = options.min_stake;
  if (options.private_axons != "auto") {
    config.private_axons = options.private_axons == "yes" ? PrivateAxons::yes : PrivateAxons::no;
  }
  return config;
}

/// SIGHUP reloads settings, blacklist and metagraph; the first SIGTERM or SIGINT drains.
asio::awaitable<void> obey_signals(LiveSettings& settings, miner::Miner& miner) {
  asio::signal_set signals(co_await asio::this_coro::executor, SIGHUP, SIGINT, SIGTERM);
  for (;;) {
    const int signal = co_await signals.async_wait(asio::use_awaitable);
    if (signal == SIGHUP) {
      (void)settings.reload();  // says in the log what came of it
      continue;
    }
    spdlog::info("draining: no new tasks; what is under way will end");
    miner.drain();
    co_return;
  }
}

asio::awaitable<void> reload_blacklist_regularly(LiveSettings& settings, int seconds) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (;;) {
    timer.expires_after(std::chrono::seconds(seconds));
    co_await timer.async_wait(asio::use_awaitable);
    settings.reload_blacklist();
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
                                MetagraphSource& source, LiveSettings& settings,
                                std::optional<Error>& no_subnet) {
  const auto executor = co_await asio::this_coro::executor;
  net::TaskGroup side_tasks(executor, [](const std::string& name, const std::string& why) {
    spdlog::error("{}: {}", name, why);
  });
  side_tasks.spawn("signals", obey_signals(settings, miner));
  side_tasks.spawn("reload", reload_blacklist_regularly(settings, options.sync_seconds));
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

int mine(const MineOptions& options, const cli::Settings& settings) {
  forbid_dumps();
  auto parsed = parse_mine_options(options);
  if (!parsed) {
    return cli::report(parsed.error());
  }
  parsed->pool.worker_arguments = worker_arguments(settings);
  const auto signer = open_signer(options);
  if (!signer) {
    return cli::report(signer.error());
  }
  const chain::Signer& hotkey = **signer;
  asio::io_context context(1);
  auto source = MetagraphSource::make(context.get_executor(), source_config(options, hotkey));
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
  for (const std::string& notice : journal->notices()) {
    spdlog::error(notice);
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
  if (config.scheduling.allow_private_axons && options.metagraph_file.empty()) {
    spdlog::info("axons on private addresses are asked too; --axon.allow_private no forbids it");
  }
  config.scheduling.max_candidates = options.max_candidates;
  config.scheduling.learns_correlation = !options.score_correlation.has_value();
  config.scheduling.score_correlation =
      options.score_correlation.value_or(config.scheduling.score_correlation);
  config.scheduling.improves_results = options.improve_candidates == "yes";
  config.retention = parsed->retention;
  config.artifacts = options.artifacts_path;
  config.drain_timeout = std::chrono::seconds(options.drain_seconds);
  miner::Miner miner(context.get_executor(), config, hotkey, *journal, pool);
  miner_to_wake = &miner;
  if (const auto loaded = miner.load(*metagraph); !loaded) {
    return cli::report(annotate(loaded.error(), options.journal_path));
  }
  LiveSettings live(settings.arguments, miner, pool, **source);
  if (const auto began = live.begin(options); !began) {
    return cli::report(began.error());
  }
  const auto token = make_control_token(options.journal_path);
  if (!token) {
    return cli::report(token.error());
  }
  MineHttp handler(miner, **source, live, *token, options.journal_path);
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
  asio::co_spawn(context, run_miner(options, miner, pool, server, **source, live, no_subnet),
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

void add_mine(CLI::App& app, cli::Action& chosen, const cli::Settings& settings) {
  auto options = std::make_shared<MineOptions>();
  CLI::App* command = app.add_subcommand("mine", "Mine: serve every eligible validator");
  add_mine_options(*command, *options);
  command->configurable();
  command->callback([options, &chosen, &settings] {
    chosen = [options, &settings] { return mine(*options, settings); };
  });
}

}  // namespace lode::commands
